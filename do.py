#!/usr/bin/env python3
"""Run Accord from a bare checkout: ``python3 do.py VERB ...`` makes ``.venv`` first where it is missing.

    python3 do.py demo            the main job with no input
    python3 do.py test [ARGS]     every gate of the project; ARGS go to pytest
    python3 do.py bench [ARGS]    the benchmarks
    python3 do.py page            builds the page that 'web' serves, where its sources have changed (Node 20.19, npm);
                                  'web' and 'test' do it too, where they can
    python3 do.py docs            builds the documentation site into build/docs; a warning fails it
    python3 do.py accuracy        writes docs/accuracy.md, docs/training_accuracy.md and docs/serving_accuracy.md from
                                  the measured rows and runs that ACCORD_MEASURED names; --refit-training first fits
                                  training, collectives and failures again with each group left out (minutes)
    python3 do.py calibrate       fits the packaged calibration to the same rows (minutes; extra [calibrate])
    python3 do.py VERB ...        any other verb of accord

Standard library only, and written so that an old Python can still read it and say what it needs.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time

LEAST = (3, 11)
ROOT = os.path.dirname(os.path.abspath(__file__))
VENV = os.path.join(ROOT, ".venv")
STAMP = os.path.join(VENV, "accord-stamp")
WINDOWS = os.name == "nt"
PYTHON = os.path.join(VENV, "Scripts" if WINDOWS else "bin", "python.exe" if WINDOWS else "python")
NEEDED = "import accord.cli.main, msgspec, numpy, yaml"
DEVELOPER_VERBS = ("test", "bench", "docs")
MAKE_PAGE = os.path.join(ROOT, "frontend", "make_page.py")
SKIPPED = 77  # the exit code of a gate that is not possible here


def main(words: "list[str]") -> int:
    """Make the environment ready, then run the verb; returns its exit code."""
    if sys.version_info < LEAST:
        return too_old()
    if not words or words[0] in ("-h", "--help", "help"):
        print(__doc__.strip())
        return 0 if words else 2
    verb, rest = words[0], words[1:]
    if verb == "page":
        return run([sys.executable, MAKE_PAGE] + rest)
    if not prepare(developer=verb in DEVELOPER_VERBS):
        return 3
    if verb == "test":
        return test(rest)
    if verb == "bench":
        return bench(rest)
    if verb == "docs":
        return docs(rest)
    if verb == "accuracy":
        return accuracy(rest)
    if verb == "calibrate":
        return calibrate(rest)
    if verb == "web" and not {"-h", "--help"}.intersection(rest):
        renew_page()
    return hand_over([PYTHON, "-m", "accord"] + words)


def too_old() -> int:
    """Say which Python is needed and which is here."""
    have = ".".join(str(part) for part in sys.version_info[:3])
    need = ".".join(str(part) for part in LEAST)
    say(f"error: Accord needs Python {need} or newer; this is Python {have} ({sys.executable})")
    for minor in range(20, LEAST[1] - 1, -1):
        newer = shutil.which(f"python3.{minor}")
        if newer:
            words = " ".join(sys.argv[1:])
            say(f"hint: run '{newer} do.py {words}'")
            return 3
    say(f"hint: install Python {need} and run 'python{need} do.py'")
    return 3


# The environment


def prepare(developer: bool) -> bool:
    """Make ``.venv`` fit pyproject.toml; an environment that is broken or half made is made again."""
    want, digest = "dev" if developer else "run", project_digest()
    stamp = read_stamp()
    if works(PYTHON) and stamp in (digest + " dev", digest + " " + want):
        return True
    extent = "with the developers' tools" if developer else "run time only"
    say(f"preparing .venv ({extent})")
    target = ".[dev]" if developer or stamp.endswith(" dev") else "."
    finished_once = stamp != ""
    if finished_once:
        os.remove(STAMP)  # an installation that is interrupted must not pass for a finished one
    for fresh in (False, True) if finished_once and works(PYTHON) else (True,):
        if (not fresh or make_venv()) and install(target) and works(PYTHON, NEEDED):
            with open(STAMP, "w", encoding="utf-8") as finished:
                finished.write(digest + (" dev" if target == ".[dev]" else " run"))
            return True
    say(f"error: the packages of pyproject.toml could not be installed into {VENV}")
    say("hint: look at the lines above; the package index must be reachable, as your pip settings name it")
    return False


def project_digest() -> str:
    """Hash of what decides the environment: pyproject.toml, the Python and the place of the checkout."""
    with open(os.path.join(ROOT, "pyproject.toml"), "rb") as project:
        text = project.read()
    return hashlib.sha256(text + f"{ROOT} {sys.version_info[:2]}".encode()).hexdigest()


def read_stamp() -> str:
    """What the environment was last made for, or "" where it was never finished."""
    try:
        with open(STAMP, encoding="utf-8") as stamp:
            return stamp.read()
    except OSError:
        return ""


def works(python: str, code: str = "import sys; raise SystemExit(sys.version_info < (3, 11))") -> bool:
    """Whether an interpreter starts and runs ``code`` without complaint."""
    if not os.path.exists(python):
        return False
    try:
        silent = subprocess.DEVNULL
        return subprocess.call([python, "-c", code], stdout=silent, stderr=silent, env=environment()) == 0
    except OSError:
        return False


def make_venv() -> bool:
    """Make an empty ``.venv`` in place of what is there: by uv, else by venv, else by venv without pip."""
    if os.path.islink(VENV) or os.path.isfile(VENV):
        os.remove(VENV)
    ways = [["-m", "venv", "--clear", VENV], ["-m", "venv", "--clear", "--without-pip", VENV]]
    commands = [[sys.executable] + way for way in ways]
    if uv():
        commands.insert(0, [uv(), "venv", "--quiet", "--clear", "--python", sys.executable, VENV])
    for command in commands:
        if run_quietly(command) and works(PYTHON):
            return True
        shutil.rmtree(VENV, ignore_errors=True)
    say(f"error: {sys.executable} cannot make a virtual environment")
    say("hint: install the venv module (Debian and Ubuntu: the package python3-venv) or uv")
    return False


def install(target: str) -> bool:
    """Install the project, editable, with the first installer that can; what ``attest`` needs too, where it goes."""
    commands = []
    for one in (".[sign]", ".") if target == "." else (target,):
        project = ["--editable", one]
        pip = ["install", "--no-input", "-qq"] + project
        if uv():
            commands.append([uv(), "pip", "install", "--quiet", "--python", PYTHON] + project)
        if works(PYTHON, "import pip"):
            commands.append([PYTHON, "-m", "pip"] + pip)
        elif works(sys.executable, "import pip"):
            commands.append([sys.executable, "-m", "pip", "--python", PYTHON] + pip)
    return any(run(command) == 0 for command in commands)


def uv() -> str:
    """Path of uv, or "" where it is absent or where pip was given settings that uv does not read."""
    ours = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX", "PIP_CONFIG_FILE")
    return "" if any(os.environ.get(name) for name in ours) else shutil.which("uv") or ""


# The page


def renew_page() -> None:
    """Build the page where its sources have changed and Node is here; 'web' works without, and says what is missing."""
    from frontend import make_page  # not by an old Python, and not by other verbs  # noqa: PLC0415

    if not make_page.has_sources() or make_page.fresh():
        return
    lacking = make_page.node_lacking()
    if not lacking:
        say("building the page (frontend/ -> src/accord/web/static/)")
        try:
            make_page.build()
            return
        except make_page.PageError as error:
            lacking = str(error)
    if make_page.built():
        say(f"warning: the page is older than its sources and was not built anew: {lacking}")
    else:
        say(f"warning: the page was not built: {lacking}")


# The gates


def test(rest: "list[str]") -> int:
    """Run every gate, whatever fails, and print a summary; the code is 0 only if all passed."""
    gates = [
        ("format", [PYTHON, "-m", "ruff", "format", "--check", "."]),
        ("lint", [PYTHON, "-m", "ruff", "check", "."]),
        ("types", [PYTHON, "-m", "mypy"]),
        ("imports", [script("lint-imports")]),
        ("catalog", [PYTHON, "-m", "accord", "catalog", "check"]),
        ("page", [PYTHON, MAKE_PAGE, "--check"]),
        ("tests", pytest(rest or ["-m", "not timing"])),
    ]
    if not rest:
        gates.append(("timing", [PYTHON, "-m", "pytest", "--benchmark-disable", "-m", "timing"]))
    results = []
    for name, command in gates:
        words = " ".join([os.path.basename(command[0])] + command[1:])
        say(f"\n== {name}: {words}")
        started = time.time()
        code = run(command)
        results.append((name, code, time.time() - started))
    say("\ngate      result   seconds")
    for name, code, seconds in results:
        result = {0: "ok", SKIPPED: "skipped"}.get(code, "FAILED")
        say(f"{name:<8}  {result:<7}  {seconds:7.1f}")
    return 1 if any(code not in (0, SKIPPED) for _, code, _ in results) else 0


def pytest(rest: "list[str]") -> "list[str]":
    """The command of the test gate, on two processes where xdist is there; docs are checked by tests/docs.

    Tests that measure time run after it, by themselves, unless the caller chose tests.
    """
    spread = ["-n", "2"] if works(PYTHON, "import xdist") and not any(word.startswith("-n") for word in rest) else []
    return [PYTHON, "-m", "pytest", "--benchmark-disable"] + spread + rest


def bench(rest: "list[str]") -> int:
    """Run the benchmarks, one after the other."""
    if not os.path.isdir(os.path.join(ROOT, "bench")):
        say("error: this version has no benchmarks (there is no folder bench/)")
        return 1
    return run([PYTHON, "-m", "pytest", "bench", "--benchmark-only"] + rest)


def docs(rest: "list[str]") -> int:
    """Build the documentation site strictly, from the pages and the code as they are."""
    out = os.path.join("build", "docs")
    code = run([PYTHON, "-m", "sphinx", "-b", "html", "-E", "-W", "-n", "--keep-going", "-q"] + rest + ["docs", out])
    if code == 0:
        say(f"open {os.path.join(ROOT, out, 'index.html')}")
    return code


def accuracy(rest: "list[str]") -> int:
    """Write or check the pages on accuracy; stops at the first that fails."""
    only = [word for word in rest if word == "--check"]
    refit = ["--refit"] if "--refit-training" in rest else []
    more = [word for word in rest if word != "--refit-training"]
    scripts = (("make_training_accuracy", only + refit), ("make_accuracy", more), ("make_serving_accuracy", only))
    for name, words in scripts:
        code = run([PYTHON, os.path.join("docs", name + ".py")] + words)
        if code:
            return code
    return 0


def calibrate(rest: "list[str]") -> int:
    """Fit the packaged calibration to the measured rows, from where docs/make_accuracy.py takes them; 4 without."""
    folder = os.environ.get("ACCORD_MEASURED", os.path.join(os.path.dirname(ROOT), "shared"))
    names = [os.path.join(folder, "measured", "inference.csv"), os.path.join(folder, "inference.csv")]
    tables = [name for name in names if os.path.isfile(os.path.join(ROOT, name))]
    if not tables:
        say("error: no measured/inference.csv; set ACCORD_MEASURED to the folder that has it")
        return 4
    out = os.path.join("src", "accord", "catalog", "data", "calibration")
    return run([PYTHON, "-m", "accord", "calibrate", tables[0], "--out", out] + rest)


def script(name: str) -> str:
    """Path of a console script of the environment."""
    return os.path.join(os.path.dirname(PYTHON), name + (".exe" if WINDOWS else ""))


# Processes


def environment() -> "dict[str, str]":
    """The caller's environment, without what would make Python look outside ``.venv``."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONHOME", "VIRTUAL_ENV")}
    kept["PYTHONNOUSERSITE"] = "1"
    kept.setdefault("PIP_DISABLE_PIP_VERSION_CHECK", "1")
    return kept


def run(command: "list[str]") -> int:
    """Run in the project's root with its output shown; returns the exit code."""
    sys.stdout.flush()
    try:
        return subprocess.call(command, cwd=ROOT, env=environment())
    except OSError as error:
        say(f"error: cannot run {command[0]}: {error}")
        return 127


def run_quietly(command: "list[str]") -> bool:
    """Run without output; whether it went well."""
    try:
        silent = subprocess.DEVNULL
        return subprocess.call(command, cwd=ROOT, env=environment(), stdout=silent, stderr=silent) == 0
    except OSError:
        return False


def hand_over(command: "list[str]") -> int:
    """Become the command, in the caller's folder, so that signals and the exit code are its own."""
    if WINDOWS:
        return subprocess.call(command, env=environment())
    sys.stdout.flush()
    os.execve(command[0], command, environment())


def say(text: str) -> None:
    """Print on stderr, where everything but data goes."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
