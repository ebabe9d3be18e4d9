"""The other side of encoder.rs: the same model, loss and batches of sequences in PyTorch on the CPU, padded as is usual.

    python encoder.py FILE EPOCHS

FILE has `user item item ...` a line. One block of causal self-attention with norms before the layers, one head, 64
dimensions, the last 50 actions, dropout .2, a feed-forward layer of 128, one table for input and output, Adam with 1e-3, a
softmax over 256 shared negatives (half uniform, half by popularity, logQ). Kinds of action and time gaps are constant in
such files and left out. Every transition is learned from once an epoch: long histories are cut into windows of 50.
Padding ends at the longest window of a batch, and the softmax is computed for real positions only.

Prints the CPU seconds of each epoch, all threads together, and its mean loss.
"""

import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

LENGTH, DIMS, INNER, BATCH, NEGATIVES, DROPOUT = 50, 64, 128, 128, 256, 0.2
torch.set_num_threads(2)
torch.manual_seed(1)


class Encoder(nn.Module):
    def __init__(self, items):
        super().__init__()
        self.items = nn.Embedding(items + 1, DIMS, padding_idx=0)
        nn.init.normal_(self.items.weight, std=0.02)
        self.positions = nn.Parameter(torch.zeros(LENGTH, DIMS))
        self.attention_norm, self.forward_norm, self.final_norm = (nn.LayerNorm(DIMS) for _ in range(3))
        self.query_key_value = nn.Linear(DIMS, 3 * DIMS, bias=False)
        self.attention_out = nn.Linear(DIMS, DIMS, bias=False)
        self.inner, self.outer = nn.Linear(DIMS, INNER), nn.Linear(INNER, DIMS)
        self.drop = nn.Dropout(DROPOUT)

    def forward(self, rows):
        x = self.drop(self.items(rows) + self.positions[: rows.shape[1]])
        # Padding is at the end, where a causal mask alone keeps it out of sight.
        q, k, v = self.query_key_value(self.attention_norm(x)).chunk(3, dim=-1)
        seen = F.scaled_dot_product_attention(q, k, v, is_causal=True, dropout_p=DROPOUT if self.training else 0.0)
        x = x + self.drop(self.attention_out(seen))
        x = x + self.drop(self.outer(self.drop(F.relu(self.inner(self.forward_norm(x))))))
        return self.final_norm(x)


def windows(path):
    numbers, found, all_rows = {}, [], []
    for line in open(path):
        rows = [numbers.setdefault(word, len(numbers) + 1) for word in line.split()[1:]]
        all_rows += rows
        for start in range(0, len(rows) - 1, LENGTH):
            found.append(torch.tensor(rows[start : start + LENGTH + 1]))
    return len(numbers), [w for w in found if len(w) > 1], torch.tensor(all_rows)


items, sequences, actions = windows(sys.argv[1])
padded = nn.utils.rnn.pad_sequence(sequences, batch_first=True)
lengths = torch.tensor([len(w) for w in sequences])
counts = torch.bincount(actions, minlength=items + 1).float()
uniform = NEGATIVES // 2
expected = uniform / items + (NEGATIVES - uniform) * counts / len(actions)
correction = expected.log()

model = Encoder(items)
optimiser = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
seconds, losses = [], []
for epoch in range(int(sys.argv[2])):
    clock, total, positions = time.process_time(), 0.0, 0
    for batch in torch.randperm(len(sequences)).split(BATCH):
        rows = padded[batch, : int(lengths[batch].max())]
        inputs, targets = rows[:, :-1], rows[:, 1:]
        real = targets > 0
        hidden, targets = model(inputs)[real], targets[real]
        drawn = torch.cat(
            [torch.randint(1, items + 1, (uniform,)), actions[torch.randint(len(actions), (NEGATIVES - uniform,))]]
        )
        own = (hidden * model.items(targets)).sum(-1, keepdim=True)
        others = hidden @ model.items(drawn).T - correction[drawn]
        others = others.masked_fill(drawn == targets[:, None], float("-inf"))
        scores = torch.cat([own, others], dim=1)
        loss = F.cross_entropy(scores, torch.zeros(len(scores), dtype=torch.long))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        total += loss.item() * len(targets)
        positions += len(targets)
    seconds.append(time.process_time() - clock)
    losses.append(total / positions)
print("epochs", *seconds)
print("losses", *losses)
