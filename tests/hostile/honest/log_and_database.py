# ruff: noqa
import logging
import sqlite3
import uuid

logging.basicConfig(level=logging.INFO)
logging.info("to stderr")
with sqlite3.connect("x.db") as database:
    database.execute("create table t (x)")
    database.execute("insert into t values (1)")
    print(database.execute("select * from t").fetchall())
print(len(str(uuid.uuid4())))
# prints: [(1,)] 36
