--- a row
insert into sale (book_id, quantity, note) values (:book_id, :quantity, :note)
-- by hand
insert into sale (book_id, quantity, note) values ($1, $2, $3)

--- rows, with defaults
insert into sale (book_id, quantity, note) values (:a,default,':y'), (:b, :n, null) returning id, :x::text as text
-- by hand
insert into sale (book_id, quantity, note) values ($1,default,':y'), ($2, $3, null) returning id, $4::text as text

--- a row with a key of one's own
insert into sale overriding system value values (:id, :book_id, 1, :note) returning *
-- by hand
insert into sale overriding system value values ($1, $2, 1, $3) returning *

--- rows of a query
insert into sale (book_id, note) select id, :note from book where id = any (:ids)
-- by hand
insert into sale (book_id, note) select id, $1 from book where id = any ($2)

--- a row that may be there
insert into sale (book_id) values (:id) on conflict do nothing
-- by hand
insert into sale (book_id) values ($1) on conflict do nothing

--- a row that is changed if it is there
insert into sale as s (book_id, quantity) values (:id, :n) on conflict (book_id) do update set quantity = s.quantity + excluded.quantity, note = :note where s.quantity < :most returning (xmax = 0) as created
-- by hand
insert into sale as s (book_id, quantity) values ($1, $2) on conflict (book_id) do update set quantity = s.quantity + excluded.quantity, note = $3 where s.quantity < $4 returning (xmax = 0) as created

--- a conflict by its name
insert into sale (book_id) values (:id) on conflict on constraint sale_book_id_key do update set note = coalesce(:note, excluded.note)
-- by hand
insert into sale (book_id) values ($1) on conflict on constraint sale_book_id_key do update set note = coalesce($2, excluded.note)

--- changes
update book set title = :title, price = price * :factor, update = :update where id = :id returning id, price
-- by hand
update book set title = $1, price = price * $2, update = $3 where id = $4 returning id, price

--- changes of several columns
update book as b set (title, price) = (:title, :price), (größe, a$b) = (select :g::int, 1) where b.id = :id
-- by hand
update book as b set (title, price) = ($1, $2), (größe, a$b) = (select $3::int, 1) where b.id = $4

--- changes by another table
update book set price = :price from sale as s where s.book_id = book.id and s.note like :note
-- by hand
update book set price = $1 from sale as s where s.book_id = book.id and s.note like $2

--- changes of elements and slices
update book set pages[:i] = :page, tags[1:2] = :tags, tags[:lo: :hi] = :tags where id = :id
-- by hand
update book set pages[$1] = $2, tags[1:2] = $3, tags[$4: $5] = $3 where id = $6

--- changes of members
update book set doc[:k::text] = :v, doc['a:y']['b'] = to_jsonb(:x::int) where id = :id
-- by hand
update book set doc[$1::text] = $2, doc['a:y']['b'] = to_jsonb($3::int) where id = $4

--- a change of nothing but what is there
update book * set title = title where id in (:a, :b)
-- by hand
update book * set title = title where id in ($1, $2)

--- deletes
delete from sale where id = :id returning *
-- by hand
delete from sale where id = $1 returning *

--- deletes by another table
delete from only sale as s using book as b where s.book_id = b.id and b.title = :title and s.note is not distinct from :note
-- by hand
delete from only sale as s using book as b where s.book_id = b.id and b.title = $1 and s.note is not distinct from $2

--- writes in with
with gone as (delete from sale where id = :id returning book_id), put as (insert into sale (book_id) values (:b) returning id) select * from gone, put where book_id > :x
-- by hand
with gone as (delete from sale where id = $1 returning book_id), put as (insert into sale (book_id) values ($2) returning id) select * from gone, put where book_id > $3

--- with before a write
with new (id, note) as (values (:id::int, :note)) insert into sale (book_id, note) select * from new returning id
-- by hand
with new (id, note) as (values ($1::int, $2)) insert into sale (book_id, note) select * from new returning id

--- since 15: merges
merge into sale as s using (values (:id::int, :n::int)) as v (id, n) on s.book_id = v.id when matched and s.quantity + v.n > :most then delete when matched then update set quantity = s.quantity + v.n, note = :note when not matched then insert (book_id, quantity) values (v.id, v.n)
-- by hand
merge into sale as s using (values ($1::int, $2::int)) as v (id, n) on s.book_id = v.id when matched and s.quantity + v.n > $3 then delete when matched then update set quantity = s.quantity + v.n, note = $4 when not matched then insert (book_id, quantity) values (v.id, v.n)

--- locks
select id from book where id = :id for update of book skip locked
-- by hand
select id from book where id = $1 for update of book skip locked

--- settings for a transaction
select set_config('app.user', :user, true), current_setting('app.user:y', true)
-- by hand
select set_config('app.user', $1, true), current_setting('app.user:y', true)

--- procedures
call note(:x, b => :y)
-- by hand
call note($1, b => $2)
