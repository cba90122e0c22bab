-- The two roles that write: the flow's loader, and Metabase's own tables in a database of their own.
-- Run by first-run.sh as the administrator, with psql; can be run again at any time, and then sets new passwords.
\set ON_ERROR_STOP on
\getenv loader_password LOADER_PASSWORD
\getenv metabase_password METABASE_PASSWORD

select format('create role %I login', name)
from unnest(array['lakehouse_loader', 'metabase_app']) as name
where not exists (select from pg_roles where rolname = name)
\gexec
alter role lakehouse_loader password :'loader_password';
alter role metabase_app password :'metabase_password';

revoke all on database :"DBNAME" from public;
grant connect, create, temporary on database :"DBNAME" to lakehouse_loader;

grant metabase_app to current_user; -- who makes a database for somebody must be able to act as them
select 'create database metabase owner metabase_app'
where not exists (select from pg_database where datname = 'metabase')
\gexec
revoke all on database metabase from public;
