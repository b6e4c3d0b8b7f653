#!/usr/bin/env python3
"""Executes all notebooks, and checks that each `.ipynb` has the cells of the `.py` beside it.

usage: check.py [--work DIR] [--write] [--timeout SECONDS] [NOTEBOOK...]

Executed copies go to the work folder, by default a temporary one. With --write they are put in the place of the
`.ipynb`, which is how these are made. Ends with a line "N passed, N failed, N skipped"; the exit code is 0 only if none
failed.

The program `dmsim` is the one that the package finds (DMSIM_BINARY, PATH, target/release). A notebook that reads
results which are not there is skipped, with the reason.
"""

import argparse
import base64
import io
import os
import sys
import tempfile
import time
from pathlib import Path

import jupytext
import nbclient
import nbformat
from PIL import Image
from traitlets.config import Config

HERE = Path(__file__).resolve().parent
# So much an executed notebook may have: it is shown by code hosts and kept for ever.
MOST_BYTES = 300_000


def cells_of(notebook):
    return [(cell.cell_type, cell.source.strip()) for cell in notebook.cells]


def compare(source):
    """What is wrong with the pair of a `.py`, or None."""
    pair = source.with_suffix(".ipynb")
    if not pair.exists():
        return f"{pair.name} is missing: make it with --write"
    if pair.stat().st_size > MOST_BYTES:
        return f"{pair.name} has {pair.stat().st_size} bytes, more than {MOST_BYTES}"
    notebook = nbformat.read(pair, as_version=4)
    nbformat.validate(notebook)
    if cells_of(notebook) != cells_of(jupytext.read(source)):
        return f"{pair.name} has other cells than {source.name}: make it again with --write"
    outputs = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.outputs]
    return None if outputs else f"{pair.name} shows no outputs"


def execute(source, timeout_s):
    notebook = jupytext.read(source)
    notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    with tempfile.TemporaryDirectory() as private:
        # Sockets in a folder of our own: no port is opened that others on this machine could reach.
        sockets = {"transport": "ipc", "ip": str(Path(private) / "kernel")}
        client = nbclient.NotebookClient(
            notebook,
            timeout=timeout_s,
            kernel_name="python3",
            resources={"metadata": {"path": str(HERE)}},
            config=Config({"KernelManager": sockets}),
        )
        client.execute()
    clean(notebook)
    return notebook


def clean(notebook):
    """Leaves out what differs from one execution to the next without saying anything."""
    notebook.metadata.pop("language_info", None)
    for place, cell in enumerate(notebook.cells):
        # Cells have random names otherwise.
        cell["id"] = f"cell-{place}"
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            # A notebook shows what is there: the text beside a picture is of no use.
            data = output.get("data", {})
            if output.get("output_type") == "display_data" and "image/png" in data:
                data.pop("text/plain", None)
                data["image/png"] = smaller(data["image/png"])
        # What programs say of themselves on the way names folders and times of one machine.
        if "outputs" in cell:
            cell["outputs"] = [output for output in cell["outputs"] if output.get("name") != "stderr"]


def smaller(png):
    """A picture in 128 colours, which is enough for lines and takes a third of the room."""
    picture = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")
    buffer = io.BytesIO()
    picture.quantize(128, dither=Image.Dither.NONE).save(buffer, "png", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def missing(source):
    """The results that a notebook reads and that are not there: lines `# needs: PATH` in its `.py`."""
    lines = source.read_text(encoding="utf-8").splitlines()
    needs = [line.removeprefix("# needs: ") for line in lines if line.startswith("# needs: ")]
    return [need for need in needs if not (HERE / need).exists()]


def main():
    parser = argparse.ArgumentParser(description="Execute the notebooks and check their pairs.")
    parser.add_argument("notebooks", nargs="*", help="names, by default all")
    parser.add_argument("--work", type=Path, help="where executed copies go")
    parser.add_argument("--write", action="store_true", help="put them in the place of the .ipynb")
    parser.add_argument(
        "--timeout", type=int, default=300, help="seconds that a cell may take (default: 300)"
    )
    given = parser.parse_args()
    names = {Path(name).stem for name in given.notebooks}
    sources = sorted(path for path in HERE.glob("[0-9]*.py") if not names or path.stem in names)
    if not sources:
        sys.exit("check.py: there is no such notebook")
    # The kernels find the package of this repository, and no other.
    package = HERE.parent / "python" / "src"
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(package), os.environ.get("PYTHONPATH")]))
    passed = failed = skipped = 0
    with tempfile.TemporaryDirectory() as temporary:
        work = given.work or Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        for source in sources:
            begin = time.monotonic()
            if absent := missing(source):
                print(f"{source.stem}: skipped: {', '.join(absent)} is not there", flush=True)
                skipped += 1
                continue
            trouble = None
            try:
                notebook = execute(source, given.timeout)
                nbformat.write(notebook, work / f"{source.stem}.ipynb")
                if given.write:
                    nbformat.write(notebook, source.with_suffix(".ipynb"))
                trouble = compare(source)
            except nbclient.exceptions.CellExecutionError as error:
                trouble = str(error)
            except (nbclient.exceptions.CellTimeoutError, RuntimeError) as error:
                trouble = f"{type(error).__name__}: {error}"
            elapsed_s = time.monotonic() - begin
            print(f"{source.stem}: {trouble or 'ok'} ({elapsed_s:.1f} s)", flush=True)
            passed, failed = passed + (trouble is None), failed + (trouble is not None)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
