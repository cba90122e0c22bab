-- A role and a database for Metabase's own tables: users, questions, dashboards. What it reads of the listener, it reads
-- as the role `metabase`, which pipelines/warehouse/roles.py makes.
-- Run by first-run.sh as the administrator, with psql; can be run again at any time, and then sets a new password.
\set ON_ERROR_STOP on
\getenv password METABASE_APP_PASSWORD
set client_min_messages = warning;

select 'create role metabase_app login'
where not exists (select from pg_roles where rolname = 'metabase_app')
\gexec
alter role metabase_app password :'password';

grant metabase_app to current_user; -- who makes a database for somebody must be able to act as them
select 'create database metabase owner metabase_app'
where not exists (select from pg_database where datname = 'metabase')
\gexec
revoke all on database metabase from public;
revoke all on database :"DBNAME" from public;
