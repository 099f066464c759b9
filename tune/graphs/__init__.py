"""ONNX graphs: the packaged models, made when the wheel is built, and the form of a tuned one; nothing here answers."""
