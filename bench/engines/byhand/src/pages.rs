//! The six pages, one function each.

use bench_common::data::{Escape, Inherit, Logic, Product, Shop, Table, Tiny};
use bench_common::filters;

use crate::escape::escaped;

fn integer(page: &mut String, value: i64) {
    page.push_str(itoa::Buffer::new().format(value));
}

pub(crate) fn table(page: &mut String, data: &Table) {
    page.push_str("<table>");
    for row in &data.table {
        page.push_str("\n<tr>");
        for &cell in row {
            page.push_str("<td>");
            integer(page, cell);
            page.push_str("</td>");
        }
        page.push_str("</tr>");
    }
    page.push_str("\n</table>");
}

pub(crate) fn tiny(page: &mut String, data: &Tiny) {
    page.push_str("<!DOCTYPE html>\n<html><head><title>");
    escaped(page, &data.title);
    page.push_str("</title></head>\n<body><h1>Hello, ");
    escaped(page, &data.user.name);
    page.push_str("!</h1>\n");
    if data.user.unread > 0 {
        page.push_str("<p>You have ");
        integer(page, data.user.unread);
        page.push_str(" new messages.</p>");
    } else {
        page.push_str("<p>No news.</p>");
    }
    page.push_str("\n<a href=\"");
    escaped(page, &data.user.home);
    page.push_str("\">Your page</a></body></html>");
}

pub(crate) fn escape(page: &mut String, data: &Escape) {
    page.push_str("<ol>");
    for comment in &data.comments {
        page.push_str("\n<li><b>");
        escaped(page, &comment.author);
        page.push_str("</b><blockquote>");
        escaped(page, &comment.text);
        page.push_str("</blockquote></li>");
    }
    page.push_str("\n</ol>");
}

pub(crate) fn logic(page: &mut String, data: &Logic) {
    for i in 0..data.turns {
        let a = i * 7 + 3;
        let b = a % 11;
        if b == 0 {
            page.push('x');
        } else if b > 6 && a % 5 == 2 {
            integer(page, b);
        }
    }
}

pub(crate) fn shop(page: &mut String, data: &Shop) {
    page.push_str("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>");
    escaped(page, &data.category);
    page.push_str(" - ");
    escaped(page, &data.shop.name);
    page.push_str(
        "</title>\n<link rel=\"stylesheet\" href=\"/static/shop.css\">\n<link rel=\"stylesheet\" \
         href=\"/static/listing.css\">\n</head>\n<body>\n<header><h1>",
    );
    escaped(page, &data.shop.name);
    page.push_str("</h1><p>");
    escaped(page, &data.shop.slogan);
    page.push_str("</p></header>\n<nav><ul>");
    for (index, entry) in data.shop.menu.iter().enumerate() {
        page.push_str(match index {
            0 => "\n<li class=\"first\"><a href=\"",
            _ if index + 1 == data.shop.menu.len() => "\n<li class=\"last\"><a href=\"",
            _ => "\n<li><a href=\"",
        });
        escaped(page, &entry.href);
        page.push_str("\">");
        escaped(page, &entry.label.to_uppercase());
        page.push_str("</a></li>");
    }
    page.push_str("\n</ul></nav>\n<main>\n<h2>");
    escaped(page, &data.category);
    page.push_str("</h2>\n<section class=\"listing\">\n<p>");
    integer(page, data.products.len() as i64);
    page.push_str(" products</p>");
    for (index, product) in data.products.iter().enumerate() {
        page.push('\n');
        card(page, product, index as i64 + 1);
        page.push('\n');
        stock(page, product);
        if index + 1 < data.products.len() {
            page.push_str("<hr>");
        }
    }
    page.push_str("\n</section>\n</main>\n<footer><p>");
    escaped(page, &data.shop.name);
    page.push(' ');
    integer(page, data.shop.year);
    page.push_str("</p>\n<p>Prices include taxes; see the terms.</p></footer>\n</body>\n</html>");
}

fn card(page: &mut String, product: &Product, number: i64) {
    page.push_str("<article id=\"p");
    integer(page, product.id);
    page.push_str(if product.fresh { "\" class=\"card new\">\n<h3>" } else { "\" class=\"card\">\n<h3>" });
    integer(page, number);
    page.push_str(". ");
    escaped(page, &product.name);
    page.push_str("</h3>\n<p class=\"brand\">");
    match &product.brand {
        Some(brand) => escaped(page, &brand.to_uppercase()),
        None => page.push_str("NO BRAND"),
    }
    page.push_str("</p>\n<p>");
    escaped(page, &filters::truncate(&product.description, 160));
    page.push_str("</p>\n");
    if product.saving > 0.0 {
        page.push_str("<p class=\"price\"><del>");
        page.push_str(&filters::money(product.price));
        page.push_str("</del> <b>");
        page.push_str(&filters::money(product.price - product.saving));
        page.push_str("</b></p>");
    } else {
        page.push_str("<p class=\"price\">");
        page.push_str(&filters::money(product.price));
        page.push_str("</p>");
    }
    page.push_str("\n<p class=\"tags\">");
    for (index, tag) in product.tags.iter().enumerate() {
        if index > 0 {
            page.push_str(", ");
        }
        escaped(page, tag);
    }
    page.push_str("</p>\n<select name=\"variant\">");
    for (index, variant) in product.variants.iter().enumerate() {
        page.push_str("\n<option value=\"");
        escaped(page, &variant.sku);
        page.push_str(if index == 0 { "\" selected>" } else { "\">" });
        integer(page, index as i64 + 1);
        page.push_str(": ");
        escaped(page, &variant.label);
        if index + 1 == product.variants.len() {
            page.push_str(" (last)");
        }
        page.push_str("</option>");
    }
    page.push_str("\n</select>\n</article>");
}

fn stock(page: &mut String, product: &Product) {
    match product.stock {
        0 => page.push_str("<p class=\"stock none\">Sold out</p>"),
        few @ ..4 => {
            page.push_str("<p class=\"stock few\">Only ");
            integer(page, few);
            page.push_str(" left</p>");
        }
        _ => {
            page.push_str("<p class=\"stock\">In stock, ");
            integer(page, product.variants.len() as i64);
            page.push_str(" sizes</p>");
        }
    }
}

pub(crate) fn inherit(page: &mut String, data: &Inherit) {
    page.push_str("<!DOCTYPE html>\n<html>\n<head><title>");
    escaped(page, &data.site);
    page.push_str(
        "</title><meta name=\"level\" content=\"2\"><meta name=\"level\" content=\"3\"><meta \
         name=\"level\" content=\"4\"><meta name=\"level\" content=\"5\"></head>\n<body><div \
         class=\"page\"><h1>",
    );
    escaped(page, &data.heading);
    page.push_str("</h1><form method=\"post\">");
    for field in &data.fields {
        page.push_str("\n<p><label for=\"");
        escaped(page, &field.name);
        page.push_str("\">");
        escaped(page, &field.title);
        page.push_str(if field.required {
            "*</label><input type=\"text\" id=\""
        } else {
            "</label><input type=\"text\" id=\""
        });
        escaped(page, &field.name);
        page.push_str("\" name=\"");
        escaped(page, &field.name);
        page.push_str("\" value=\"");
        escaped(page, &field.value);
        page.push_str("\"></p>");
    }
    page.push_str("\n<button>Save</button></form></div>\n<footer><p>");
    escaped(page, &data.site);
    page.push_str("</p><p>two</p><p>three</p><p>four</p><p>five</p></footer>\n</body>\n</html>");
}
