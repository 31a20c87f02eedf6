"""The Python code of `docs/cache.md` runs as it stands, with a server and folders of the test's own."""

import re
from pathlib import Path

import pytest
from test_stores import redis_server

PAGE = Path(__file__).parents[2] / "docs" / "cache.md"


def test_the_code_of_the_page(tmp_path, monkeypatch, capsys):
    if not PAGE.is_file():
        pytest.skip("the page is not here")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cache.keys").write_text("0123456789abcdef" * 2)
    (tmp_path / "cache.keys").chmod(0o600)
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "index.html").write_text("{% include 'part.html' %}")
    (tmp_path / "templates" / "part.html").write_text("{{ 1 + 1 }}")
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 1
    with redis_server() as (_, url):
        code = blocks[0].replace("redis://cache.example", url).replace("/var/cache/site", str(tmp_path / "site"))
        assert code.count(str(tmp_path)) == code.count(url) == 1
        names = {}
        exec(code, names)
        assert names["environment"].get_template("index.html").render() == "2"
        assert names["serving"].get_template("index.html").render() == "2"
        tiers = names["cache"].statistics().tiers
        assert [tier.name for tier in tiers] == ["memory", "disk", "shared"]
    assert "TierStatistics(name='memory'" in capsys.readouterr().out
