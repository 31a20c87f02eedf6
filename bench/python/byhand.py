"""The pages as somebody would write them who has Python and MarkupSafe, and nothing else.

Each function takes the context and returns the page. What has no function here is left out of the comparison.
"""

from markupsafe import escape


def table(table):
    """1000 rows of ten integers."""
    rows = "".join([f"\n<tr>{''.join([f'<td>{cell}</td>' for cell in row])}</tr>" for row in table])
    return f"<table>{rows}\n</table>"


def tiny(title, user):
    """A page of 200 bytes."""
    unread = user.unread
    news = f"<p>You have {unread} new messages.</p>" if unread > 0 else "<p>No news.</p>"
    return (
        f"<!DOCTYPE html>\n<html><head><title>{escape(title)}</title></head>\n"
        f"<body><h1>Hello, {escape(user.name)}!</h1>\n{news}\n"
        f'<a href="{escape(user.home)}">Your page</a></body></html>'
    )


def escape_heavy(comments):
    """100 KB of text."""
    items = "".join(
        [
            f"\n<li><b>{escape(comment.author)}</b><blockquote>{escape(comment.text)}</blockquote></li>"
            for comment in comments
        ]
    )
    return f"<ol>{items}\n</ol>"


def logic(turns):
    """10,000 turns of arithmetic."""
    out = []
    for i in range(turns):
        a = i * 7 + 3
        b = a % 11
        if b == 0:
            out.append("x")
        elif b > 6 and a % 5 == 2:
            out.append(str(b))
    return "".join(out)


def _card(product, number, money):
    brand = escape(getattr(product, "brand", "no brand").upper())
    description = product.description
    if len(description) > 165:
        description = description[:157].rsplit(" ", 1)[0] + "..."
    if product.saving > 0:
        price = (
            f'<p class="price"><del>{escape(money(product.price))}</del>'
            f" <b>{escape(money(product.price - product.saving))}</b></p>"
        )
    else:
        price = f'<p class="price">{escape(money(product.price))}</p>'
    last = len(product.variants)
    variants = "".join(
        [
            f'\n<option value="{escape(variant.sku)}"{" selected" if index == 1 else ""}>'
            f"{index}: {escape(variant.label)}{' (last)' if index == last else ''}</option>"
            for index, variant in enumerate(product.variants, 1)
        ]
    )
    return (
        f'<article id="p{product.id}" class="card{" new" if product.fresh else ""}">\n'
        f"<h3>{number}. {escape(product.name)}</h3>\n"
        f'<p class="brand">{brand}</p>\n<p>{escape(description)}</p>\n{price}\n'
        f'<p class="tags">{", ".join([escape(tag) for tag in product.tags])}</p>\n'
        f'<select name="variant">{variants}\n</select>\n</article>'
    )


def _stock(product):
    if product.stock == 0:
        return '<p class="stock none">Sold out</p>'
    if product.stock < 4:
        return f'<p class="stock few">Only {product.stock} left</p>'
    return f'<p class="stock">In stock, {len(product.variants)} sizes</p>'


def shop(category, shop, products, money):
    """The listing."""
    name, category, last = escape(shop.name), escape(category), len(products)
    menu = []
    for index, entry in enumerate(shop.menu, 1):
        place = ' class="first"' if index == 1 else ' class="last"' if index == len(shop.menu) else ""
        menu.append(f'\n<li{place}><a href="{escape(entry.href)}">{escape(entry.label.upper())}</a></li>')
    cards = [
        f"\n{_card(product, index, money)}\n{_stock(product)}{'<hr>' if index < last else ''}"
        for index, product in enumerate(products, 1)
    ]
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{category} - {name}</title>\n'
        '<link rel="stylesheet" href="/static/shop.css">\n<link rel="stylesheet" href="/static/listing.css">\n'
        f"</head>\n<body>\n<header><h1>{name}</h1><p>{escape(shop.slogan)}</p></header>\n<nav><ul>{''.join(menu)}\n"
        f'</ul></nav>\n<main>\n<h2>{category}</h2>\n<section class="listing">\n<p>{last} products</p>{"".join(cards)}\n'
        f"</section>\n</main>\n<footer><p>{name} {shop.year}</p>\n<p>Prices include taxes; see the terms.</p></footer>\n"
        "</body>\n</html>"
    )


PAGES = {
    "table": table,
    "tiny": tiny,
    "shop": lambda money, **context: shop(money=money, **context),
    "shop é": lambda money, **context: shop(money=money, **context),
    "escape": escape_heavy,
    "logic": logic,
}
