"""The service that one would write by hand: FastAPI, a pydantic body, a `def` endpoint, ONNX Runtime, a request at a time.

python benchmarks/serving_by_hand.py MODEL.onnx PORT
"""

import sys

import numpy as np
import onnxruntime
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()
session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
classes = [str(number) for number in range(10)]


class Body(BaseModel):
    """Pictures."""

    inputs: list[list[list[list[int]]]]


@app.post("/predict")
def predict(body: Body):
    """Answer each picture."""
    scores = session.run(None, {"input": np.array(body.inputs, np.uint8)})[0]
    return {
        "predictions": [
            {"label": classes[row.argmax()], "probabilities": dict(zip(classes, row.tolist(), strict=True))}
            for row in scores
        ]
    }


uvicorn.run(app, port=int(sys.argv[2]), log_level="warning")
