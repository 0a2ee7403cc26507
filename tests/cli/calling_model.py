"""llama.cpp's own server with the built-in model's weights and a chat template that knows tools; the model's own knows none.

`python -m tests.cli.calling_model --port N` serves on 127.0.0.1 whoever has the key `test`.
"""

import argparse
import importlib
import os
import signal
from typing import Any

from openclaw_cli.up.builtin_model import MODEL_ID, weights

TEMPLATE = """
{%- if tools %}
  {{- "<|im_start|>system\\nThese functions can be called:\\n<tools>" }}
  {%- for tool in tools %}{{- "\\n" }}{{- tool | tojson }}{%- endfor %}
  {{- "\\n</tools>\\nA call is a JSON object within <tool_call></tool_call>.<|im_end|>\\n" }}
{%- endif %}
{%- for message in messages %}
  {{- "<|im_start|>" + message.role }}
  {%- if message.content %}{{- "\\n" + message.content }}{%- endif %}
  {%- if message.tool_calls %}
    {%- for tool_call in message.tool_calls %}
      {{- "\\n<tool_call>\\n{\\"name\\": \\"" }}{{- tool_call.function.name }}
      {{- "\\", \\"arguments\\": " }}{{- tool_call.function.arguments | tojson }}{{- "}\\n</tool_call>" }}
    {%- endfor %}
  {%- endif %}
  {{- "<|im_end|>\\n" }}
{%- endfor %}
{%- if add_generation_prompt %}{{- "<|im_start|>assistant\\n" }}{%- endif %}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description="serve the built-in model with tools")
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    xllamacpp: Any = importlib.import_module("xllamacpp")
    params = xllamacpp.CommonParams()
    params.model.path = str(weights())
    params.hostnames = ["127.0.0.1"]
    params.port = port
    params.api_keys = ["test"]
    params.model_alias = {MODEL_ID}
    params.chat_template = TEMPLATE
    params.use_jinja = True
    params.offline = True
    params.ui = params.warmup = False
    params.n_ctx = 2048
    params.n_parallel = 1
    params.n_gpu_layers = 0
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    server = xllamacpp.Server(params)
    print("ready", server.listening_address, flush=True)
    signal.pause()


if __name__ == "__main__":
    main()
