"""Seconds per epoch of PyTorch with its DataLoader: python torch_epochs.py CASE EPOCHS"""

import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
import torch
from cases import CASES, fashion_mnist
from torch import nn

case, epochs = CASES[sys.argv[1]], int(sys.argv[2])
torch.set_num_threads(2)
torch.manual_seed(0)
images, labels = fashion_mnist(case.examples)
x = torch.tensor(images, dtype=torch.float32)[:, None] / 255
data = torch.utils.data.TensorDataset(x, torch.tensor(labels, dtype=torch.long))
loader = torch.utils.data.DataLoader(data, batch_size=32, shuffle=True)


def hidden(inputs, units):
    stack = [nn.Linear(inputs, units, bias=False), nn.BatchNorm1d(units, momentum=0.01, eps=1e-3), nn.ELU()]
    return stack + ([nn.Dropout(case.dropout)] if case.dropout else [])


def convolution(inputs, filters):
    return [
        nn.Conv2d(inputs, filters, 3, padding="same", bias=False),
        nn.BatchNorm2d(filters, momentum=0.01, eps=1e-3),
        nn.ELU(),
        nn.MaxPool2d(2),
    ]


class Rows(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(28, 64, num_layers=2, batch_first=True)

    def forward(self, x):
        return self.lstm(x[:, 0])[0][:, -1]


sizes = [784] + ([300, 100] if case.network == "mlp" else [100] * 20)
dense = [layer for a, b in zip(sizes, sizes[1:], strict=False) for layer in hidden(a, b)]
model = {
    "mlp": lambda: nn.Sequential(nn.Flatten(), *dense, nn.Linear(100, 10)),
    "deep": lambda: nn.Sequential(nn.Flatten(), *dense, nn.Linear(100, 10)),
    "cnn": lambda: nn.Sequential(
        *convolution(1, 32), *convolution(32, 64), nn.Flatten(), *hidden(64 * 49, 128), nn.Linear(128, 10)
    ),
    "lstm": lambda: nn.Sequential(Rows(), nn.Linear(64, 10)),
}[case.network]()
optimizer = (
    torch.optim.SGD(model.parameters(), 0.01, momentum=0.9, nesterov=True)
    if case.optimizer == "nesterov"
    else torch.optim.Adam(model.parameters(), 0.001)
)
loss_of = nn.CrossEntropyLoss()
seconds, losses = [], []
for _ in range(epochs):
    begin, total, right = time.perf_counter(), 0.0, 0
    for images_B, labels_B in loader:
        optimizer.zero_grad(set_to_none=True)
        logits = model(images_B)
        loss = loss_of(logits, labels_B)
        loss.backward()
        if case.clip:
            nn.utils.clip_grad_norm_(model.parameters(), case.clip)
        optimizer.step()
        total += loss.item() * len(labels_B)
        right += (logits.argmax(1) == labels_B).sum().item()
    seconds.append(time.perf_counter() - begin)
    losses.append(total / len(labels))
print(json.dumps({"seconds": seconds, "loss": losses}))
