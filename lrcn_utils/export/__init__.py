"""Trained models as files that run without the code that trained them: ONNX, or PyTorch's own .pt2."""
