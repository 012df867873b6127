-- Where everything begins.
-- auth: public
-- tags: start
select '/things' as things, '/types' as types;
