"""What rules of law may ask about: the names of facts, what each holds and in which unit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

FactKind = Literal["number", "word", "country", "party", "set", "day"]


class LegalFact(msgspec.Struct, frozen=True):
    """One fact.

    kind: ``number`` in ``unit``, perhaps uncertain; ``word``: one of ``words`` where they are listed; ``country``: ISO
        code of two letters; ``party``: id of the catalog; ``set``: of words; ``day``: a date
    about: in words
    """

    kind: FactKind
    about: str
    unit: str = ""
    words: tuple[str, ...] = ()


_YES_NO = ("yes", "no")
ITEM_TYPES = ("ic", "memory", "system", "material", "equipment", "weights")
CLASSES = ("none", "3A090", "3A090.a", "3A090.b", "3A090.c", "3A090(presumed)")
ACTS = ("use_or_service", "destructive_test_or_evaluation")  # transactions that move nothing

ITEM: Mapping[str, LegalFact] = {
    "item_type": LegalFact("word", "what is traded", words=ITEM_TYPES),
    "item_names": LegalFact("set", "words of its name, in lower case: only letters and guidance that name it may ask"),
    "tpp": LegalFact("number", "total processing performance: the most dense TOPS x bits, of the package", "1"),
    "die_area": LegalFact("number", "applicable die area: logic dies on a non-planar node", "mm2"),
    "performance_density": LegalFact("number", "tpp / die_area", "1"),
    "io_bandwidth": LegalFact("number", "of all links, both directions, memory left out", "B/s"),
    "dram_bandwidth": LegalFact("number", "of all memory in the package, or of the memory device", "B/s"),
    "package_area": LegalFact("number", "of a memory device", "mm2"),
    "memory_density": LegalFact("number", "dram_bandwidth / package_area, in GB/s per mm2", "1"),
    "memory_kind": LegalFact("word", "of a memory device", words=("hbm", "gddr", "lpddr", "ddr")),
    "datacenter_marketed": LegalFact("word", "designed or marketed for data centres", words=_YES_NO),
    "process_nm": LegalFact("number", "node of the logic dies", "nm"),
    "transistors": LegalFact("number", "of the packaged circuit", "1"),
    "has_hbm": LegalFact("word", "whether the package holds HBM", words=_YES_NO),
    "designer_hq": LegalFact("country", "headquarters or ultimate parent of the designer"),
    "designer_approved": LegalFact("word", "approved or authorised designer of the foundry rule", words=_YES_NO),
    "material": LegalFact("set", "what a material is, or holds"),
    "class": LegalFact("word", "export class found by the rules themselves", words=CLASSES),
}
DEAL: Mapping[str, LegalFact] = {
    "transaction": LegalFact(
        "word",
        "export_from_<country in lower case>, reexport, in_country_transfer, domestic, import_into_<country>, "
        f"{', '.join(ACTS)}",
    ),
    "origin": LegalFact("country", "country whose law follows the item: of its design, if nothing nearer is known"),
    "destination": LegalFact("country", "where it goes, or is used"),
    "hq": LegalFact("country", "headquarters or ultimate parent of the consignee"),
    "exporter": LegalFact("party", "who sends it; a letter binds its addressee alone"),
    "exporter_role": LegalFact("word", "what the exporter is", words=("designer", "foundry", "osat", "other")),
    "consignee_listed": LegalFact("word", "on a list of restricted parties that day", words=_YES_NO),
    "consignee_review": LegalFact(
        "word",
        "review policy that its entry on the list states",
        words=("presumption_of_denial", "case_by_case", "other"),
    ),
    "consignee_listed_share": LegalFact("number", "sum of shares that listed parties hold in the consignee", "1"),
    "state_funded": LegalFact("word", "for a data centre that the state pays for", words=_YES_NO),
    "large_platform": LegalFact("word", "consignee is a large internet platform of China", words=_YES_NO),
    "built_share": LegalFact("number", "of the data centre that is built", "1"),
}
RUN: Mapping[str, LegalFact] = {
    "training_flop": LegalFact("number", "cumulative training compute, base model and fine-tuning included", "FLOP"),
    "training_domain": LegalFact("set", "kinds of data: biology, text, ..."),
    "modification_flop": LegalFact("number", "compute of a modification", "FLOP"),
    "original_flop": LegalFact("number", "training compute of the model that is modified", "FLOP"),
    "original_flop_known": LegalFact("word", "whether original_flop is known or can be estimated", words=_YES_NO),
    "modification_share": LegalFact("number", "modification_flop / original_flop", "1"),
    "original_systemic": LegalFact("word", "whether the original has systemic risk", words=_YES_NO),
    "cluster_op_per_s": LegalFact("number", "peak of the cluster", "OP/s"),
    "cluster_network_b_per_s": LegalFact("number", "rate between its machines", "b/s"),
    "cluster_sites": LegalFact("number", "sites it spans", "1"),
    "revenue_usd": LegalFact("number", "gross revenue of the developer in the year before", "USD"),
    "compute_cost_usd": LegalFact("number", "cost of the training compute", "USD"),
    "output_modality": LegalFact("set", "what the model generates: text, speech, image, video"),
    "input_modality": LegalFact("set", "what the model reads"),
    "open_weights": LegalFact("word", "weights, architecture and usage published", words=_YES_NO),
    "open_licence": LegalFact("word", "free and open-source licence: use, change and pass on", words=_YES_NO),
    "placed_on_market": LegalFact("day", "first offered in the jurisdiction"),
    "role": LegalFact("word", "towards the model", words=("provider", "modifier", "deployer")),
    "public_service": LegalFact("word", "offered to the public of the jurisdiction", words=_YES_NO),
    "opinion_capability": LegalFact("word", "can shape public opinion or mobilise people", words=_YES_NO),
    "high_risk": LegalFact("word", "high-risk system of Annex III or I", words=("annex3", "annex1", "no")),
}
FACTS: Mapping[str, LegalFact] = {**ITEM, **DEAL, **RUN}
