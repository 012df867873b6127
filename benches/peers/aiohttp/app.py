"""The talk's "after": aiohttp and asyncpg on uvloop, under gunicorn, as a careful user of aiohttp writes it today.

asyncpg prepares each statement once per session and keeps it. Its pool would clean a session up with a round trip after
each use; nothing here leaves anything behind in one, so the pool is told not to, as in TechEmpower's benchmarks. Nor does
the pool serve first who came first, which under load keeps single requests waiting for seconds: a semaphore does.
"""

import asyncio
import os
from functools import partial

import asyncpg
import orjson
from aiohttp import web

SESSIONS = 16

CONTRACT = "select id, market_id, name, price, volume, open, updated_at from contracts where id = $1"
CONTRACTS = "select id, market_id, name, price, volume, open, updated_at from contracts order by id limit $1"
VOLUMES = """
select c.id, c.name, sum(t.quantity) as volume, count(*) as trades, max(t.price) as high
from contracts c join trades t on t.contract_id = c.id
where c.market_id = $1
group by c.id
order by c.id
"""
TRADE = "insert into trades (contract_id, price, quantity) values ($1, $2, $3) returning id"
SLEEP = "select $1::int as ms from pg_sleep($1 / 1000.0)"

POOL = web.AppKey("POOL", asyncpg.Pool)
TURN = web.AppKey("TURN", asyncio.Semaphore)
routes = web.RouteTableDef()
json = partial(web.json_bytes_response, dumps=partial(orjson.dumps, default=dict))


async def fetch(app, statement, *parameters):
    try:
        async with app[TURN]:
            return await app[POOL].fetch(statement, *parameters)
    except asyncpg.DataError as error:
        raise web.HTTPBadRequest(text=str(error)) from error
    except asyncpg.IntegrityConstraintViolationError as error:
        raise web.HTTPConflict(text=str(error)) from error


@routes.get("/ping")
async def ping(request):
    return web.Response(text="pong")


@routes.get(r"/contracts/{contract_id:\d+}")
async def contract(request):
    rows = await fetch(request.app, CONTRACT, int(request.match_info["contract_id"]))
    if not rows:
        raise web.HTTPNotFound
    return json(rows[0])


@routes.get(r"/markets/{market_id:\d+}/volumes")
async def volumes(request):
    return json(await fetch(request.app, VOLUMES, int(request.match_info["market_id"])))


@routes.get("/contracts")
async def contracts(request):
    limit = request.query.get("limit", "1000")
    if not limit.isdecimal() or not 1 <= int(limit) <= 10000:
        raise web.HTTPBadRequest(text="limit is a number from 1 to 10000")
    return json(await fetch(request.app, CONTRACTS, int(limit)))


@routes.post("/trades")
async def create_trade(request):
    try:
        trade = await request.json(loads=orjson.loads)
        parameters = trade["contract_id"], trade["price"], trade["quantity"]
    except (ValueError, TypeError, KeyError) as error:
        raise web.HTTPBadRequest(text="a trade has contract_id, price and quantity") from error
    [created] = await fetch(request.app, TRADE, *parameters)
    return json(created, status=201)


@routes.get(r"/sleep/{ms:\d+}")
async def sleep(request):
    [row] = await fetch(request.app, SLEEP, int(request.match_info["ms"]))
    return json(row["ms"])


async def database(app):
    async def keep(session):
        pass

    url = os.environ["DATABASE_URL"]
    app[TURN] = asyncio.Semaphore(SESSIONS)
    async with asyncpg.create_pool(url, min_size=1, max_size=SESSIONS, reset=keep) as app[POOL]:
        yield


app = web.Application()
app.add_routes(routes)
app.cleanup_ctx.append(database)
