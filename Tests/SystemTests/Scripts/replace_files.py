"""Replaces the files of a directory through the port, one after another, until the connection ends.

usage: replace_files.py SOCKET KEY-OF-DIRECTORY COUNT
"""

import random
import socket
import sys

path, directory, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
connection = socket.socket(socket.AF_UNIX)
connection.connect(path)
answers = connection.makefile("rb")
while True:
    key = f"{directory}/{random.randrange(count)}"
    try:
        connection.sendall(f"delete {key}\r\nset {key} 0 0 1\r\nx\r\n".encode())
        if not answers.readline() or not answers.readline():
            break
    except OSError:
        break
