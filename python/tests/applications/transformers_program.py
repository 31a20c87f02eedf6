"""Chat templates as transformers renders them: sandboxed, with its extension for generated spans, tools and dates."""

import json
import pathlib
import sys

from transformers.utils.chat_template_utils import render_jinja_template

CHATML = """{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"""

LLAMA = """{{- bos_token }}
{%- if not date_string is defined %}{%- set date_string = "26 Jul 2024" %}{%- endif %}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content']|trim %}
    {%- set messages = messages[1:] %}
{%- else %}{%- set system_message = "" %}{%- endif %}
{{- "<|start_header_id|>system<|end_header_id|>\n\n" }}
{%- if tools is not none %}{{- "Environment: ipython\n" }}
    {%- for t in tools %}{{- t | tojson(indent=4) }}{{- "\n\n" }}{%- endfor %}
{%- endif %}
{{- "Today Date: " + date_string + "\n\n" }}{{- system_message }}{{- "<|eot_id|>" }}
{%- for message in messages %}
    {%- if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}
        {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' }}
    {%- elif 'tool_calls' in message %}
        {%- if not message.tool_calls|length == 1 %}{{- raise_exception("only single tool-calls at once!") }}{%- endif %}
        {%- set tool_call = message.tool_calls[0].function %}
        {{- '{"name": "' + tool_call.name + '", ' }}{{- '"parameters": ' }}{{- tool_call.arguments | tojson }}{{- "}" }}
    {%- elif message.role == "tool" %}
        {%- if message.content is mapping or message.content is iterable %}{{- message.content | tojson }}
        {%- else %}{{- message.content }}{%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{%- endif %}
"""

SPANS = """{% set ns = namespace(index=messages|length - 1, found=false) %}
{%- for message in messages[::-1] %}
    {%- if not ns.found and message.role == "user" %}{% set ns.found = true %}{% set ns.index = loop.index0 %}{% endif %}
{%- endfor %}
{%- for m in messages %}{% if m.role == 'assistant' %}{% generation %}{{ m.content.split('</think>')[-1].lstrip('\n') }}{% endgeneration %}{% else %}
[{{ m.role|upper }}]{{ m.content.strip()|replace('<', '[') }}{% endif %}{% if loop.last %} {{ ns.index }}{% break %}{% endif %}{% endfor %}
{%- macro render(x) %}{% if x is string %}"{{ x }}"{% elif x is mapping %}{ {%- for k, v in x|items %}{{ k }}={{ render(v) }};{% endfor -%} }{% else %}{{ x|string }}{% endif %}{% endmacro %}
{{ render({'a': {'b': [1, 2]}, 'c': 'd'}) }} {{ "%s" % messages|map(attribute='role')|unique|join(',') }} {{ messages|selectattr('role', 'equalto', 'user')|list|length }}
"""

UNSAFE = [
    "{{ messages.__class__ }}",
    "{{ messages.append(1) }}",
    "{{ ''.__class__.__mro__ }}",
    "{{ '{0.__class__}'.format(1) }}|x",
    "{{ raise_exception('no <' ~ messages[0].role ~ '>') }}",
    "{{ range(1000000) }}",
    "{{ messages[9].x.y }}",
]

CHAT = [
    {"role": "system", "content": "  You are <helpful>.  "},
    {"role": "user", "content": "What is 2 + 2? äöü 日本"},
    {"role": "assistant", "content": "<think>hm</think>\nFour."},
    {"role": "user", "content": "Thanks & bye"},
]
CALLS = CHAT[:2] + [
    {
        "role": "assistant",
        "tool_calls": [{"type": "function", "function": {"name": "add", "arguments": {"a": 2, "b": [1.5, None]}}}],
    },
    {"role": "tool", "name": "add", "content": {"sum": 4, "note": "<ok> ü"}},
    {"role": "assistant", "content": "4"},
]


def add(a: int, b: float = 1.0):
    """
    Adds numbers.

    Args:
        a: The first.
        b: The second.
    """
    return a + b


def outcome(template, chats, **arguments):
    try:
        return render_jinja_template(chats, chat_template=template, **arguments)
    except Exception as error:
        return f"{type(error).__module__}.{type(error).__name__}: {error}"


def main(target: pathlib.Path) -> None:
    cases = {}
    for name, template in {"chatml": CHATML, "llama": LLAMA, "spans": SPANS}.items():
        for prompt in (False, True):
            cases[f"{name} {prompt}"] = outcome(template, [CHAT, CHAT[1:]], add_generation_prompt=prompt, bos_token="<s>", eos_token="</s>", tools=None)
    cases["tools"] = outcome(LLAMA, [CALLS], tools=[add], bos_token="<s>")
    cases["mask"] = outcome(SPANS, [CHAT], return_assistant_tokens_mask=True)
    for number, template in enumerate(UNSAFE):
        cases[f"unsafe {number}"] = outcome(template, [CHAT])
    (target / "chats.json").write_text(json.dumps(cases, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
