"""A project made by cookiecutter: names of files and folders, conditions, its extensions, private and computed answers."""

import json
import pathlib
import sys

from cookiecutter.main import cookiecutter

ANSWERS = {
    "project": "Hay Stack",
    "slug": "{{ cookiecutter.project|lower|replace(' ', '_') }}",
    "license": ["MIT", "BSD"],
    "features": {"docs": True, "cli": {"command": "{{ cookiecutter.slug }}-cli"}},
    "use_docs": True,
    "_private": "{{ cookiecutter.license }} text",
    "__computed": "{{ cookiecutter.slug|upper }}",
    "_extensions": ["jinja2.ext.do", "jinja2.ext.loopcontrols"],
    "_copy_without_render": ["*.raw"],
    "_jinja2_env_vars": {"lstrip_blocks": True, "trim_blocks": True},
}

FILES = {
    "{{cookiecutter.slug}}/README.md": """# {{ cookiecutter.project }} ({{ cookiecutter.__computed }})
{% if cookiecutter.use_docs %}
Documentation: {{ cookiecutter.project|slugify(separator='~') }}
{% endif %}
{% for name, value in cookiecutter.features|dictsort %}
- {{ name }}: {{ value|jsonify }}
{% endfor %}
{% for n in range(9) %}{% if n == 3 %}{% break %}{% endif %}{{ n }} {% endfor %}
{% set l = [] %}{% do l.append(cookiecutter._private) %}{{ l }}
""",
    "{{cookiecutter.slug}}/{% if cookiecutter.use_docs %}docs{% endif %}/{{cookiecutter.slug}}.txt": "{{ cookiecutter }}",
    "{{cookiecutter.slug}}/as-is.raw": "{{ not.rendered }}",
    "{{cookiecutter.slug}}/{{cookiecutter.features.cli.command}}.py": "print('{{ cookiecutter.license }}')\n",
    "hooks/pre_gen_project.py": "assert '{{ cookiecutter.slug }}'.isidentifier()\n",
    "hooks/post_gen_project.py": "open('hook.txt', 'w').write('{{ cookiecutter.slug }}\\n')\n",
}


def main(target: pathlib.Path) -> None:
    template = target / "template"
    for name, text in FILES.items():
        path = template / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (template / "cookiecutter.json").write_text(json.dumps(ANSWERS))
    config = target / "config.yaml"
    config.write_text(f"cookiecutters_dir: {target}/all\nreplay_dir: {target}/replay\n")
    for project, license in (("Hay Stack", "MIT"), ("Ä <x>", "BSD")):
        out = target / license
        out.mkdir()
        try:
            answers = {"project": project, "license": license, "slug": project.split()[0].lower()}
            cookiecutter(str(template), no_input=True, extra_context=answers, output_dir=out, config_file=config)
        except Exception as error:
            (out / "error.txt").write_text(f"{type(error).__name__}: {error}".replace(str(target), "target"))
    # They hold the paths of this run.
    config.unlink()
    for path in (target / "replay").rglob("*.json"):
        path.write_text(path.read_text().replace(str(target), "target"))
    for path in out.parent.rglob("docs/*.txt"):
        path.write_text(path.read_text().replace(str(target), "target"))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
