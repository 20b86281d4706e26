"""CycloneDX bills of materials, 1.5 and 1.6: one for each component that is a machine-learning model.

Shape: bom-1.6.schema.json of github.com/CycloneDX/specification (ECMA-424), ``components`` and ``modelCard``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from accord.policy.evidence_found import Found
from accord.policy.evidence_json import Document, Node

NAME = "cyclonedx"
VERSIONS = ("1.5", "1.6")
MODEL = "machine-learning-model"


def told(document: Document) -> bool:
    """Whether it says that it is one."""
    return document.node is not None and document.node.has("bomFormat")


def read(document: Document) -> Iterator[Found]:
    """The models of a bill. Raises DataError for another format or version, and where it lists no model."""
    node = document.top
    if node.need("bomFormat").value != "CycloneDX":
        raise node.need("bomFormat").wrong("is not 'CycloneDX'")
    version = node.need("specVersion").text()
    if version not in VERSIONS:
        raise node.need("specVersion").wrong(f"is {version}; {' and '.join(VERSIONS)} are read")
    components = list(_components(node))
    models = [one for one in components if one.need("type").value == MODEL]
    if not models:
        raise node.wrong(f"no component is of type '{MODEL}'")
    metadata = node.get("metadata")
    stamp = metadata.get("timestamp") if metadata is not None else None
    for model in models:
        name, group = model.need("name").text(), model.get("group")
        metrics = dict(_metrics(model))
        yield Found(
            kind="bom", title=f"CycloneDX {version} bill of {name}", date=None if stamp is None else stamp.day(),
            model=name if group is None else f"{group.text()}/{name}", metrics=metrics,
            told=f"bill of {name}: {len(components)} components, {_licences(model)}, {_datasets(model)}",
        )  # fmt: skip


def _components(node: Node) -> Iterator[Node]:
    """All components, those inside others too."""
    metadata = node.get("metadata")
    subject = metadata.get("component") if metadata is not None else None
    todo = deque([*([] if subject is None else [subject]), *node.each("components")])
    while todo:
        one = todo.popleft()
        yield one
        todo.extend(one.each("components"))


def _licences(component: Node) -> str:
    names = []
    for choice in component.each("licenses"):
        one = choice.get("license")
        stated = choice.get("expression") if one is None else one.get("id") or one.get("name")
        names += [] if stated is None else [stated.text()]
    return f"licence {', '.join(names)}" if names else "licence not stated"


def _datasets(component: Node) -> str:
    card = component.get("modelCard")
    parameters = card.get("modelParameters") if card is not None else None
    count = len(list(parameters.each("datasets"))) if parameters is not None else 0
    return f"{count} datasets" if count else "datasets not stated"


def _metrics(component: Node) -> Iterator[tuple[str, float]]:
    """Figures of the model card; the schema writes values as text, those that are no numbers are passed over."""
    card = component.get("modelCard")
    analysis = card.get("quantitativeAnalysis") if card is not None else None
    for metric in analysis.each("performanceMetrics") if analysis is not None else ():
        name, value = metric.get("type"), metric.get("value")
        if name is None or value is None:
            continue
        figure = value.figure()
        if figure is not None:
            yield name.text(), figure
