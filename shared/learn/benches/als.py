"""The other side of als.rs: Python `implicit` on the same matrix, one thread.

Reads the folder that als.rs wrote, trains, leaves the vectors there and prints the CPU seconds of each epoch but the first
(as als.rs counts them: from the end of one epoch to the end of the next).
"""

import sys
import time
from pathlib import Path

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from scipy.sparse import csr_matrix

folder = Path(sys.argv[1])
products, dims, regularisation, epochs = (folder / "options").read_text().split()
starts = np.fromfile(folder / "starts", dtype=np.int64).astype(np.int32)
columns = np.fromfile(folder / "columns", dtype=np.int32)
confidences = np.fromfile(folder / "confidences", dtype=np.float32)
matrix = csr_matrix((confidences, columns, starts), shape=(len(starts) - 1, int(products)))

ends = []
model = AlternatingLeastSquares(
    factors=int(dims), regularization=float(regularisation), alpha=1.0, dtype=np.float32,
    use_native=True, use_cg=True, iterations=int(epochs), num_threads=1, random_state=1,
)
model.fit(matrix, show_progress=False, callback=lambda *_: ends.append(time.process_time()))
model.user_factors.astype(np.float32).tofile(folder / "people")
model.item_factors.astype(np.float32).tofile(folder / "products")
print("epochs", *np.diff(ends))
