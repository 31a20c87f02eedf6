"""The tasks: sources, live objects and the page that all engines must make of them.

In: what `bench/run --verify` leaves in `bench/target/pages`, and what is made of it here. Expected pages are recorded by the
Rust engines where they have the workload, else they are Jinja2's.
"""

import json
import pathlib
from dataclasses import dataclass

HERE = pathlib.Path(__file__).resolve().parent
BENCH = HERE.parent
PAGES = BENCH / "target" / "pages"
RECORDED = ["table", "tiny", "shop", "escape", "logic", "inherit"]
RENDERED = [
    "table",
    "tiny",
    "listing",
    "listing é",
    "filters",
    "shop",
    "shop é",
    "escape",
    "logic",
    "inherit",
    "chat",
    "chat, tools",
]
WITHOUT_AWAIT = ["table", "tiny", "listing", "shop", "inherit"]
GENERATED = ["html1k", "html10k", "html100k"]


@dataclass
class Task:
    """A workload; `expected` is `None` where Jinja2's page is the measure."""

    name: str
    sources: dict
    entry: str
    context: dict
    expected: "str | None"
    sandboxed: bool = False
    # minijinja escapes slashes, and formats in its own way.
    for_jinja: bool = False


class Record:
    """A plain object: attributes in an instance dictionary."""


CLASSES = {}


def live(value, role="", text=str):
    """Turns JSON into what an application holds: lists, strings, numbers, instances of classes."""
    if isinstance(value, list):
        return [live(item, role, text) for item in value]
    if isinstance(value, dict):
        kind = CLASSES.setdefault(role, type(role.title() or "Root", (Record,), {}))
        record = kind()
        for key, item in value.items():
            setattr(record, key, live(item, key, text))
        return record
    return text(value) if isinstance(value, str) and role in ("name", "label", "category") else value


def accented(value):
    """A name as other languages have them: Latin-1, and now and then a character beyond it."""
    return value.replace("lamp", "Lämpchen – €").replace("a", "ä").replace("e", "é")


def recorded(name):
    """A task that the Rust engines have, too."""
    stored = json.loads((PAGES / f"{name}.json").read_text())
    context = {key: live(item, key) for key, item in stored["data"].items()}
    page = (PAGES / f"{name}.html").read_bytes().decode()
    return Task(name, stored["sources"], stored["entry"], context, page)


TOOLS = [
    {
        "type": "function",
        "function": {
            "name": name,
            "description": f"{what} of a town, as of today",
            "parameters": {"type": "object", "properties": {"town": {"type": "string"}}, "required": ["town"]},
        },
    }
    for name, what in (("get_weather", "The weather"), ("get_people", "The inhabitants"))
]


def conversation():
    """A system message, six questions with answers, a call of a tool with its result."""
    messages = [{"role": "system", "content": "You are a helpful assistant. "}]
    for town in range(6):
        question = f"What is the weather in town {town}? Please say it in one sentence."
        answer = f"It is sunny there, as it always is in town {town}, and nothing else is known."
        messages += [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    call = {"type": "function", "function": {"name": "get_weather", "arguments": {"town": "Ulm", "unit": "C"}}}
    messages += [
        {"role": "user", "content": "And in Ulm?"},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "content": "21 degrees"},
    ]
    return messages


class Product(Record):
    """What a shop's own class looks like: attributes, and one that is computed."""

    @property
    def sale_price(self):
        return self.price * (100 - self.discount) / 100


def record(kind=Record, **fields):
    """An instance with these attributes."""
    made = kind()
    for key, value in fields.items():
        setattr(made, key, value)
    return made


def listing(text=str):
    """A shop's page of 40 products, all of whose filters the engine has; `text` makes the names."""
    words = "walnut salt & pepper table small winter <b>new</b> lamp garden quiet brass folding chair blue".split()

    def phrase(start, count):
        return " ".join(words[(start * 7 + i * i) % len(words)] for i in range(count))

    products = []
    for number in range(40):
        product = record(
            Product,
            sku=f"{number:05d}",
            slug=f"product-{number}",
            name=text(phrase(number, 3)),
            description=phrase(number + 1, 14 + number % 17),
            price=10 + number * 3.27,
            discount=(number % 3) * 5,
            stock=number * 5 % 17,
            featured=number % 8 == 0,
            tags=[phrase(number + i, 1) for i in range(1 + number % 4)],
            reviews=[
                record(stars=1 + (number + i) % 5, author=text(f"Anna L. {i}"), text=phrase(number + i, 9))
                for i in range(number % 5)
            ],
        )
        if number % 5:
            product.brand = phrase(number, 1)
        products.append(product)
    return {
        "site": record(name=text("The lamp & chair shop"), theme="plain", owner="Lamps Ltd"),
        "nav": [record(url=f"/{word}", label=text(word)) for word in ("start", "lamps", "chairs", "tables", "about")],
        "current": "/chairs",
        "heading": text("Chairs and tables"),
        "year": 2026,
        "products": products,
    }


def orders():
    """What a page of filters shows: 60 orders of 12 customers."""
    return [
        record(
            number=f"A {number:04d}",
            customer=f"Customer {number * 7 % 12}",
            total=round(number * 37 % 101 * 1.13, 2),
            paid=number % 3 != 0,
            tags=["gift", "express", "fragile"][: number % 4],
            note=f"Please ring twice, and leave number {number} with the neighbours if nobody opens the door.",
        )
        for number in range(60)
    ]


def own(*files):
    """Templates of the Python host alone."""
    return {file: (BENCH / "templates" / "python" / file).read_text() for file in files}


def task(name):
    """The task of this name."""
    if name in ("listing", "listing é"):
        context = listing(accented if name == "listing é" else str)
        return Task(name, own("listing.jinja", "listing_base.jinja"), "listing.jinja", context, None, for_jinja=True)
    if name == "shop é":
        stored = json.loads((PAGES / "shop.json").read_text())
        context = {key: live(item, key, accented) for key, item in stored["data"].items()}
        return Task(name, stored["sources"], stored["entry"], context, None)
    if name == "filters":
        return Task(name, own("filters.jinja"), "filters.jinja", {"orders": orders()}, None, for_jinja=True)
    if name in ("chat", "chat, tools"):
        tools = TOOLS if name == "chat, tools" else None
        context = {"messages": conversation(), "tools": tools, "bos_token": "<s>", "add_generation_prompt": True}
        return Task(name, own("chat.jinja"), "chat.jinja", context, None, sandboxed=True)
    return recorded(name)
