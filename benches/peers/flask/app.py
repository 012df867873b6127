"""The talk's "before": Flask and psycopg2 under gunicorn's eventlet worker.

What blocks looks blocking and is not: the worker patches the standard library before it loads this module, and psycopg2
with it (`eventlet.monkey_patch` sets psycopg2's wait callback, as psycogreen does). A query lets other requests go on.
psycopg2 offers no prepared statements. Sessions are in autocommit mode: one statement is one round trip.
"""

import os
from datetime import datetime

import psycopg2
from eventlet.db_pool import RawConnectionPool
from flask import Flask, jsonify
from flask.json.provider import DefaultJSONProvider
from psycopg2.extensions import connection
from psycopg2.extras import RealDictCursor
from werkzeug.exceptions import HTTPException, NotFound

CONTRACT = """
select id, market_id, name, price, volume, open, updated_at
from contracts
where id = %s
"""

VOLUMES = """
select c.id, c.name, sum(t.quantity) as volume, count(*) as trades, max(t.price) as high
from contracts c join trades t on t.contract_id = c.id
where c.market_id = %s
group by c.id
order by c.id
"""


class Autocommit(connection):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.autocommit = True


class Json(DefaultJSONProvider):
    """Columns stay in the query's order, and times are ISO 8601 instead of HTTP's format."""

    sort_keys = False

    @staticmethod
    def default(value):
        if isinstance(value, datetime):
            return value.isoformat()
        return DefaultJSONProvider.default(value)


pool = RawConnectionPool(
    psycopg2,
    max_size=16,
    max_idle=300,
    max_age=3600,
    dsn=os.environ["DATABASE_URL"],
    options="-c timezone=UTC",
    connection_factory=Autocommit,
    cursor_factory=RealDictCursor,
)

app = Flask(__name__)
app.json = Json(app)


def rows(statement, *parameters):
    with pool.item() as session, session.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall()


@app.get("/ping")
def ping():
    return "pong", {"Content-Type": "text/plain"}


@app.get("/contracts/<int:contract_id>")
def contract(contract_id):
    for row in rows(CONTRACT, contract_id):
        return row
    raise NotFound


@app.get("/markets/<int:market_id>/volumes")
def volumes(market_id):
    return rows(VOLUMES, market_id)


@app.errorhandler(HTTPException)
def problem(error):
    return jsonify(title=error.name, status=error.code, detail=error.description), error.code
