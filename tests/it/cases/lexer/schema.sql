create table book (
  id int primary key,
  title text not null,
  price numeric(10, 2),
  tags text[],
  pages int[],
  doc jsonb,
  sold_at timestamptz,
  position point,
  größe int,
  a$b int,
  update int,
  "select" int,
  "a:b" text
);
create table sale (
  id int generated always as identity primary key,
  book_id int not null unique,
  quantity int not null default 1,
  note text
);
create function add(a int, b int default 1) returns int language sql immutable as 'select a + b';
create procedure note(a int, b text) language sql as 'update sale set note = b where id = a';
create operator === (leftarg = int, rightarg = int, function = int4eq);
