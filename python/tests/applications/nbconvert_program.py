"""A notebook as HTML, Markdown, slides and a script: nbconvert's own templates, which extend each other eight deep."""

import pathlib
import sys

import nbformat
from nbconvert.exporters import HTMLExporter, MarkdownExporter, PythonExporter, SlidesExporter
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, new_raw_cell

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABh6FO1AAAAABJRU5ErkJggg=="


def notebook() -> nbformat.NotebookNode:
    cells = [
        new_markdown_cell("# Title <b>\n\nText with `code`, $x < y$ and {{ braces }}\n\n* a\n* b"),
        new_code_cell("print('<hello>')", execution_count=1, outputs=[new_output("stream", name="stdout", text="<hello>\n")]),
        new_code_cell(
            "%matplotlib inline\nx = {'a': 1}  # ä 日本\nx",
            execution_count=2,
            metadata={"tags": ["keep"]},
            outputs=[
                new_output("stream", name="stderr", text="\x1b[31mwarn\x1b[0m & more\n"),
                new_output("display_data", data={"image/png": PIXEL, "text/plain": "<Figure>"}),
                new_output(
                    "execute_result",
                    data={"text/html": "<table><tr><td>1</td></tr></table>", "text/plain": "{'a': 1}"},
                    execution_count=2,
                ),
            ],
        ),
        new_code_cell(
            "1 / 0",
            execution_count=3,
            outputs=[new_output("error", ename="ZeroDivisionError", evalue="by <zero>", traceback=["\x1b[1mTraceback\x1b[0m", "x"])],
        ),
        new_code_cell("", execution_count=None),
        new_raw_cell("<raw>"),
    ]
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
        cell["metadata"]["slideshow"] = {"slide_type": ["slide", "subslide", "fragment", "notes", "skip", "-"][number % 6]}
    return new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "language": "python", "display_name": "x"}})


def main(target: pathlib.Path) -> None:
    own = target / "own.html.j2"
    own.write_text(
        "{% extends 'lab/index.html.j2' %}{% block input %}<i>{{ super()|length }}</i>{{ super() }}{% endblock %}"
        "{% block stream_stderr %}{{ output.text|ansi2html }}{% endblock %}"
    )
    exporters = {
        "lab.html": HTMLExporter(template_name="lab"),
        "classic.html": HTMLExporter(template_name="classic"),
        "basic.html": HTMLExporter(template_name="basic"),
        "own.html": HTMLExporter(template_file=str(own)),
        "slides.html": SlidesExporter(),
        "page.md": MarkdownExporter(),
        "script.py": PythonExporter(),
    }
    for name, exporter in exporters.items():
        body, resources = exporter.from_notebook_node(notebook(), resources={"metadata": {"name": "page"}})
        (target / name).write_text(body)
        for file, data in sorted((resources.get("outputs") or {}).items()):
            (target / f"{name}.{file}").write_bytes(data)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
