"""narrowmax in Keras 3: layers to write down and a callback, on TensorFlow, JAX or PyTorch.

    import narrowmax.keras

    model = keras.Sequential([..., narrowmax.keras.Quantize("Q5.3"), narrowmax.keras.Softmax("softermax(input=Q6.2)")])
    model.fit(x, y, epochs=10, callbacks=[inputs := narrowmax.keras.SoftmaxInputs()])
    print(inputs.table())

`narrowmax.measure` and `narrowmax.replace` need none of these: they work on any model, unmodified.
"""

from __future__ import annotations

from narrowmax.models.keras import Quantize, Softmax, SoftmaxInputs, load

__all__ = ["Quantize", "Softmax", "SoftmaxInputs", "load"]
