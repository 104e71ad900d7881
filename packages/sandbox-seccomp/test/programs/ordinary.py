"""What ordinary Python programs do, and what a filter that refuses too much would break. Prints one line for each thing that worked."""
import asyncio
import concurrent.futures
import mmap
import multiprocessing
import os
import pty
import select
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time


def square(number):
    return number * number


def threads():
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(square, range(100))) == 328350
    done = threading.Event()
    threading.Thread(target=done.set).start()
    assert done.wait(5)


def subprocesses():
    assert subprocess.run(["sort", "-r"], input="a\nb\n", capture_output=True, text=True, check=True).stdout == "b\na\n"
    assert subprocess.run("exit 7", shell=True).returncode == 7


def processes():
    for method in ("fork", "spawn"):
        with multiprocessing.get_context(method).Pool(2) as pool:
            assert pool.map(square, [1, 2, 3]) == [1, 4, 9]


def sockets():
    for family, address in ((socket.AF_INET, ("127.0.0.1", 0)), (socket.AF_UNIX, tempfile.mkdtemp() + "/socket")):
        with socket.socket(family) as server, socket.socket(family) as client:
            server.bind(address)
            server.listen()
            client.connect(server.getsockname())
            connection, _ = server.accept()
            with connection:
                client.sendall(b"hello")
                assert connection.recv(5) == b"hello"
    socket.socket(socket.AF_INET6).close()
    left, right = socket.socketpair()
    left.send(b"x")
    assert right.recv(1) == b"x"
    left.close()
    right.close()
    assert "lo" in [name for _, name in socket.if_nameindex()]


def event_loop():
    async def main():
        process = await asyncio.create_subprocess_exec("echo", "hi", stdout=subprocess.PIPE)
        output, _ = await process.communicate()
        return output, await asyncio.gather(asyncio.sleep(0, "a"), asyncio.to_thread(square, 3))

    assert asyncio.run(main()) == (b"hi\n", ["a", 9])


def files():
    with tempfile.TemporaryDirectory() as folder:
        database = sqlite3.connect(folder + "/test.db")
        database.execute("create table t (n)")
        database.executemany("insert into t values (?)", [(n,) for n in range(10)])
        database.commit()
        assert database.execute("select sum(n) from t").fetchone() == (45,)
        database.close()
    with mmap.mmap(-1, 4096) as memory:
        memory[:2] = b"ok"
        assert memory[:2] == b"ok"
    assert os.memfd_create("x") > 0


def terminals():
    child, master = pty.fork()
    if child == 0:
        os.write(1, b"%d columns" % os.get_terminal_size(0).columns)
        os._exit(0)
    assert select.select([master], [], [], 5)[0]
    assert b"columns" in os.read(master, 100)
    os.waitpid(child, 0)


def clocks():
    assert time.clock_gettime(time.CLOCK_REALTIME) > 0
    time.sleep(0.001)
    os.sched_getaffinity(0)


if __name__ == "__main__":  # which a spawned process of multiprocessing, importing this file, is not
    for work in (threads, subprocesses, processes, sockets, event_loop, files, terminals, clocks):
        work()
        print(work.__name__, flush=True)
