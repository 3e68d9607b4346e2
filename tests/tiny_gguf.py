"""A model of a few kilobytes: it knows bytes and nothing else, and always wants to end a string.

Held to a schema it gives the shortest answer there is, which proves everything but quality.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np

_U32, _I32, _F32, _STRING, _ARRAY = 4, 5, 6, 8, 9
_NORMAL, _UNKNOWN, _CONTROL, _BYTE = 1, 2, 3, 6
_WIDTH, _INNER, _ALIGNED = 32, 32, 32


def _text(value: str) -> bytes:
    """Write a string: its length, its bytes."""
    raw = value.encode()
    return struct.pack("<Q", len(raw)) + raw


def _value(kind: int, value: Any) -> bytes:
    """Write one value of a kind."""
    if kind == _STRING:
        return _text(value)
    return struct.pack({_U32: "<I", _I32: "<i", _F32: "<f"}[kind], value)


def _field(name: str, kind: int, value: Any) -> bytes:
    """Write a named value; a list is an array of its kind."""
    if isinstance(value, list):
        head = struct.pack("<IIQ", _ARRAY, kind, len(value))
        return _text(name) + head + b"".join(_value(kind, one) for one in value)
    return _text(name) + struct.pack("<I", kind) + _value(kind, value)


def _tensors(tokens: list[str]) -> dict[str, np.ndarray]:
    """Give random weights whose answer to everything is a quotation mark."""
    draw = np.random.default_rng(1)

    def noise(*shape: int) -> np.ndarray:
        return draw.normal(0.0, 0.02, shape).astype(np.float32)

    ones = np.ones(_WIDTH, np.float32)
    found: dict[str, np.ndarray] = {
        "token_embd.weight": 1.0 + noise(len(tokens), _WIDTH),
        "output_norm.weight": ones,
        "output.weight": noise(len(tokens), _WIDTH),
        "blk.0.attn_norm.weight": ones,
        "blk.0.ffn_norm.weight": ones,
    }
    for name in ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"):
        found[f"blk.0.{name}.weight"] = noise(_WIDTH, _WIDTH)
    found["output.weight"][tokens.index("<0x22>")] = 1.0
    return found


def write_model(path: Path) -> Path:
    """Write the model as a GGUF file of version 3."""
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), "▁"]
    kinds = [_UNKNOWN, _CONTROL, _CONTROL, *[_BYTE] * 256, _NORMAL]
    fields = [
        ("general.architecture", _STRING, "llama"),
        ("llama.block_count", _U32, 1),
        ("llama.context_length", _U32, 4096),
        ("llama.embedding_length", _U32, _WIDTH),
        ("llama.feed_forward_length", _U32, _INNER),
        ("llama.attention.head_count", _U32, 2),
        ("llama.attention.layer_norm_rms_epsilon", _F32, 1e-5),
        ("tokenizer.ggml.model", _STRING, "llama"),
        ("tokenizer.ggml.tokens", _STRING, tokens),
        ("tokenizer.ggml.scores", _F32, [0.0] * len(tokens)),
        ("tokenizer.ggml.token_type", _I32, kinds),
        ("tokenizer.ggml.bos_token_id", _U32, 1),
        ("tokenizer.ggml.eos_token_id", _U32, 2),
        ("tokenizer.ggml.unknown_token_id", _U32, 0),
    ]
    tensors = _tensors(tokens)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(fields))
    head += b"".join(_field(*each) for each in fields)
    data = b""
    for name, tensor in tensors.items():
        sizes = tensor.shape[::-1]
        head += _text(name) + struct.pack("<I", len(sizes))
        head += struct.pack(f"<{len(sizes)}Q", *sizes) + struct.pack("<IQ", 0, len(data))
        raw = tensor.tobytes()
        data += raw + bytes(-len(raw) % _ALIGNED)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(head + bytes(-len(head) % _ALIGNED) + data)
    return path
