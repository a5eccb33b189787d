"""The attention scores of a trained keyword transformer (KWT-1), from its published weights, in plain NumPy."""

from __future__ import annotations

from pathlib import Path

import numpy as np

LAYERS = 12


def scores(folder: Path, clips: int) -> np.ndarray:
    """(clips, layers, 99, 99) what reaches the softmaxes of the attention, for clips of all words alike."""
    weights = np.load(folder / "kwt1_weights.npz")
    features = np.load(folder / "speech_commands_v2_test_features_978.npz")["features"]
    x = features[:: len(features) // clips][:clips].astype(np.float32) @ weights["embed.w"].T + weights["embed.b"]
    first = np.broadcast_to(weights["class_emb"], (clips, 1, x.shape[2]))
    x, found = np.concatenate([first, x], axis=1) + weights["pos_emb"], []
    for layer in range(LAYERS):
        of = {name.split(".", 1)[1]: weights[name] for name in weights.files if name.startswith(f"l{layer}.")}
        query, key, value = (x @ of[f"{name}.w"].T for name in "qkv")
        found.append(query @ key.transpose(0, 2, 1) * weights["scale"])
        share = np.exp(found[-1] - found[-1].max(axis=-1, keepdims=True))
        seen = (share / share.sum(axis=-1, keepdims=True)) @ value
        x = _normed(x + seen @ of["o.w"].T + of["o.b"], of, "ln1", weights["ln_eps"])
        inner = _gelu(x @ of["ff1.w"].T + of["ff1.b"])
        x = _normed(x + inner @ of["ff2.w"].T + of["ff2.b"], of, "ln2", weights["ln_eps"])
    return np.stack(found, axis=1)


def _normed(x: np.ndarray, of: dict, name: str, least: float) -> np.ndarray:
    away = x - x.mean(axis=-1, keepdims=True)
    return away / np.sqrt((away**2).mean(axis=-1, keepdims=True) + least) * of[f"{name}.g"] + of[f"{name}.b"]


def _gelu(x: np.ndarray) -> np.ndarray:
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
