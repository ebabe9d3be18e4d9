"""Prints the events of a shop's lake, one JSON document a line, as they stand in its files: repetitions included.

    lake.py FOLDER_OF_THE_LAKE

Files are zstd; Python unpacks them itself from 3.14 on, before that through the system's libzstd or the program zstd.
"""

import ctypes
import ctypes.util
import pathlib
import subprocess
import sys


class Buffer(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("size", ctypes.c_size_t), ("at", ctypes.c_size_t)]


def with_library(library):
    library.ZSTD_createDStream.restype = ctypes.c_void_p
    library.ZSTD_freeDStream.argtypes = [ctypes.c_void_p]
    library.ZSTD_decompressStream.restype = ctypes.c_size_t
    library.ZSTD_decompressStream.argtypes = [ctypes.c_void_p, ctypes.POINTER(Buffer), ctypes.POINTER(Buffer)]
    library.ZSTD_isError.argtypes = [ctypes.c_size_t]

    def unpack(packed):
        stream = library.ZSTD_createDStream()
        room = ctypes.create_string_buffer(1 << 20)
        held = ctypes.create_string_buffer(packed, len(packed))
        source = Buffer(ctypes.cast(held, ctypes.c_void_p), len(packed), 0)
        parts = []
        try:
            while True:
                target = Buffer(ctypes.cast(room, ctypes.c_void_p), len(room), 0)
                left = library.ZSTD_decompressStream(stream, ctypes.byref(target), ctypes.byref(source))
                if library.ZSTD_isError(left):
                    raise ValueError("the file is damaged")
                parts.append(room.raw[: target.at])
                if left == 0 and source.at == source.size:
                    return b"".join(parts)
                if source.at == source.size and target.at < target.size:
                    raise ValueError("the file breaks off")
        finally:
            library.ZSTD_freeDStream(stream)

    return unpack


def unpacker():
    try:
        from compression import zstd

        return zstd.decompress
    except ImportError:
        pass
    for name in [ctypes.util.find_library("zstd"), "libzstd.so.1", "libzstd.1.dylib"]:
        try:
            if name:
                return with_library(ctypes.CDLL(name))
        except OSError:
            pass
    return lambda packed: subprocess.run(["zstd", "-dc"], input=packed, stdout=subprocess.PIPE, check=True).stdout


def main():
    unpack = unpacker()
    for file in sorted(pathlib.Path(sys.argv[1]).rglob("*.ndjson.zst")):
        sys.stdout.buffer.write(unpack(file.read_bytes()))


if __name__ == "__main__":
    main()
