"""What ``accord export`` prints: files under their names, and the same as a dict."""

from __future__ import annotations

from collections.abc import Sequence

from accord.report.launch import About, Bundle, LaunchFile


def target_dict(target: str, about: About, bundle: Bundle | None, refused: str | None) -> dict[str, object]:
    """One target: what it is, its files with their text, and why it refused where it did."""
    files = bundle.files if bundle is not None else ()
    return {
        "target": target,
        "title": about.title,
        "version": about.version,
        "source": about.source,
        "check": about.check,
        "files": [{"name": f"{target}/{file.name}", "run": file.run, "text": file.text} for file in files],
        "departures": list(bundle.departures) if bundle is not None else [],
        "refused": refused,
    }


def as_text(target: str, files: Sequence[LaunchFile]) -> str:
    """Files one after another, each under its name."""
    return "\n".join(f"==> {target}/{file.name} <==\n{file.text}" for file in files)
