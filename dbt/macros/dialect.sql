{#
    What DuckDB and Spark say differently, one macro each. A model calls the macro and stays the same on both.
    Every macro returns an expression, but for `latest_per_key`, which returns a whole select.
#}

{# the first row of each key in the given order; the order must be total, or the winner is left to chance #}
{% macro latest_per_key(relation, key, order_by) -%}
    {{ return(adapter.dispatch('latest_per_key', 'lakehouse')(relation, key, order_by)) }}
{%- endmacro %}

{% macro default__latest_per_key(relation, key, order_by) -%}
    select * from {{ relation }}
    qualify row_number() over (partition by {{ key }} order by {{ order_by }}) = 1
{%- endmacro %}

{% macro spark__latest_per_key(relation, key, order_by) -%}
    select * from (
        select *, row_number() over (partition by {{ key }} order by {{ order_by }}) as row_of_key
        from {{ relation }}
    ) where row_of_key = 1
{%- endmacro %}

{# md5 of the parts as text, joined by U+001F; a null part counts as empty text #}
{% macro md5_key(parts) -%}
    md5(
        {%- for part in parts -%}
            coalesce(cast({{ part }} as {{ text_type() }}), '')
            {%- if not loop.last %} || {{ unit_separator() }} || {% endif -%}
        {%- endfor -%}
    )
{%- endmacro %}

{% macro unit_separator() -%} {{ return(adapter.dispatch('unit_separator', 'lakehouse')()) }} {%- endmacro %}
{% macro default__unit_separator() -%} chr(31) {%- endmacro %}

{% macro text_type() -%} {{ return(adapter.dispatch('text_type', 'lakehouse')()) }} {%- endmacro %}
{% macro default__text_type() -%} varchar {%- endmacro %}
{% macro spark__text_type() -%} string {%- endmacro %}

{% macro text_list_type() -%} {{ return(adapter.dispatch('text_list_type', 'lakehouse')()) }} {%- endmacro %}
{% macro default__text_list_type() -%} varchar[] {%- endmacro %}
{% macro spark__text_list_type() -%} array<string> {%- endmacro %}

{# an instant that knows its zone #}
{% macro instant_type() -%} {{ return(adapter.dispatch('instant_type', 'lakehouse')()) }} {%- endmacro %}
{% macro default__instant_type() -%} timestamptz {%- endmacro %}
{% macro spark__instant_type() -%} timestamp {%- endmacro %}

{#
    A document to read from; null where the text is no JSON. Half a character of two (`\ud83d` alone) is such a case:
    Python writes and reads it, DuckDB does not, and Spark would read it in its own way.
#}
{% macro json_document(text) -%} {{ return(adapter.dispatch('json_document', 'lakehouse')(text)) }} {%- endmacro %}
{% macro default__json_document(text) -%} try_cast({{ text }} as json) {%- endmacro %}

{% macro spark__json_document(text) -%}
    case
        when
            regexp_replace(
                regexp_replace({{ text }}, r'\\\\', ''), r'\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}', ''
            ) not rlike r'\\u[dD][89a-fA-F][0-9a-fA-F]{2}'
            then {{ text }}
    end
{%- endmacro %}

{# text at a path of a JSON document, without NUL characters; null where the path or the document is missing #}
{% macro json_text(document, path) -%}
    {{ return(adapter.dispatch('json_text', 'lakehouse')(document, path)) }}
{%- endmacro %}

{% macro default__json_text(document, path) -%}
    {{ without_nul('json_extract_string(' ~ document ~ ", '" ~ path ~ "')") }}
{%- endmacro %}

{% macro spark__json_text(document, path) -%}
    {{ without_nul('get_json_object(' ~ document ~ ", '" ~ path ~ "')") }}
{%- endmacro %}

{# list of the texts of one field over the objects of a JSON array, nulls left out; null where the array is missing #}
{% macro json_texts(document, array_path, field) -%}
    {{ return(adapter.dispatch('json_texts', 'lakehouse')(document, array_path, field)) }}
{%- endmacro %}

{% macro default__json_texts(document, array_path, field) -%}
    case
        when json_type({{ document }}, '{{ array_path }}') = 'ARRAY'
            then list_transform(
                list_filter(json_extract_string({{ document }}, '{{ array_path }}[*]{{ "." ~ field if field else "" }}'), lambda x: x is not null),
                lambda x: {{ without_nul('x') }}
            )
    end
{%- endmacro %}

{% macro spark__json_texts(document, array_path, field) -%}
    {%- if field -%}
        transform(filter(transform(from_json(get_json_object({{ document }}, '{{ array_path }}'), 'array<struct<{{ field }}:string>>'), x -> x.{{ field }}), x -> x is not null), x -> {{ without_nul('x') }})
    {%- else -%}
        transform(filter(from_json(get_json_object({{ document }}, '{{ array_path }}'), 'array<string>'), x -> x is not null), x -> {{ without_nul('x') }})
    {%- endif -%}
{%- endmacro %}

{# do two lists of text share a member; null where one is null #}
{% macro lists_overlap(first, second) -%}
    {{ return(adapter.dispatch('lists_overlap', 'lakehouse')(first, second)) }}
{%- endmacro %}

{% macro default__lists_overlap(first, second) -%} list_has_any({{ first }}, {{ second }}) {%- endmacro %}
{% macro spark__lists_overlap(first, second) -%} arrays_overlap({{ first }}, {{ second }}) {%- endmacro %}

{# the least member of a list of text; null of an empty one #}
{% macro list_least(list) -%} {{ return(adapter.dispatch('list_least', 'lakehouse')(list)) }} {%- endmacro %}
{% macro default__list_least(list) -%} list_min({{ list }}) {%- endmacro %}
{% macro spark__list_least(list) -%} array_min({{ list }}) {%- endmacro %}

{# member of a list by its place, counted from one; null beyond the end #}
{% macro list_item(list, place) -%}
    {{ return(adapter.dispatch('list_item', 'lakehouse')(list, place)) }}
{%- endmacro %}

{% macro default__list_item(list, place) -%} {{ list }}[{{ place }}] {%- endmacro %}
{% macro spark__list_item(list, place) -%} get({{ list }}, {{ place }} - 1) {%- endmacro %}

{% macro list_length(list) -%} {{ return(adapter.dispatch('list_length', 'lakehouse')(list)) }} {%- endmacro %}
{% macro default__list_length(list) -%} len({{ list }}) {%- endmacro %}
{% macro spark__list_length(list) -%} size({{ list }}) {%- endmacro %}

{# one row per member of a list #}
{% macro unnest_list(list) -%} {{ return(adapter.dispatch('unnest_list', 'lakehouse')(list)) }} {%- endmacro %}
{% macro default__unnest_list(list) -%} unnest({{ list }}) {%- endmacro %}
{% macro spark__unnest_list(list) -%} explode({{ list }}) {%- endmacro %}

{# one row per place of two lists, as two columns; the shorter list ends in nulls #}
{% macro unnest_pairs(first, second, names) -%}
    {{ return(adapter.dispatch('unnest_pairs', 'lakehouse')(first, second, names)) }}
{%- endmacro %}

{% macro default__unnest_pairs(first, second, names) -%}
    unnest({{ first }}) as {{ names[0] }}, unnest({{ second }}) as {{ names[1] }}
{%- endmacro %}

{% macro spark__unnest_pairs(first, second, names) -%}
    inline(arrays_zip({{ first }}, {{ second }})) as ({{ names | join(', ') }})
{%- endmacro %}

{# one row per integer from the first to the last, both included #}
{% macro unnest_range(first, last) -%}
    {{ return(adapter.dispatch('unnest_range', 'lakehouse')(first, last)) }}
{%- endmacro %}

{% macro default__unnest_range(first, last) -%} unnest(generate_series({{ first }}, {{ last }})) {%- endmacro %}
{% macro spark__unnest_range(first, last) -%} explode(sequence({{ first }}, {{ last }})) {%- endmacro %}

{# the distinct values of an aggregate as a sorted list #}
{% macro sorted_set(value) -%} {{ return(adapter.dispatch('sorted_set', 'lakehouse')(value)) }} {%- endmacro %}
{% macro default__sorted_set(value) -%} list_sort(list_distinct(list({{ value }}))) {%- endmacro %}
{% macro spark__sorted_set(value) -%} array_sort(collect_set({{ value }})) {%- endmacro %}

{# milliseconds since 1970 of an instant, and back #}
{% macro to_ms(instant) -%} {{ return(adapter.dispatch('to_ms', 'lakehouse')(instant)) }} {%- endmacro %}
{% macro default__to_ms(instant) -%} epoch_ms({{ instant }}) {%- endmacro %}
{% macro spark__to_ms(instant) -%} unix_millis({{ instant }}) {%- endmacro %}

{% macro from_ms(milliseconds) -%} {{ return(adapter.dispatch('from_ms', 'lakehouse')(milliseconds)) }} {%- endmacro %}
{% macro default__from_ms(milliseconds) -%} make_timestamptz(({{ milliseconds }}) * 1000) {%- endmacro %}
{% macro spark__from_ms(milliseconds) -%} timestamp_millis({{ milliseconds }}) {%- endmacro %}

{# an instant from text: what carries no offset is read in the given zone; null where the text is no time #}
{% macro instant_from_text(text, zone) -%}
    {{ return(adapter.dispatch('instant_from_text', 'lakehouse')(text, zone)) }}
{%- endmacro %}

{% macro default__instant_from_text(text, zone) -%}
    case
        when regexp_matches({{ text }}, '(?i)(z|[+-][0-9]{2}(:?[0-9]{2})?)$') and length({{ text }}) > 10
            then try_cast({{ text }} as timestamptz)
        else timezone('{{ zone }}', try_cast({{ text }} as timestamp))
    end
{%- endmacro %}

{% macro spark__instant_from_text(text, zone) -%}
    case
        when {{ text }} rlike '(?i)(z|[+-][0-9]{2}(:?[0-9]{2})?)$' and length({{ text }}) > 10
            then try_cast({{ text }} as timestamp)
        else to_utc_timestamp(try_cast({{ text }} as timestamp_ntz), '{{ zone }}')
    end
{%- endmacro %}

{# every place where a pattern is found, as a list of text #}
{% macro regexp_all(text, pattern) -%}
    {{ return(adapter.dispatch('regexp_all', 'lakehouse')(text, pattern)) }}
{%- endmacro %}

{% macro default__regexp_all(text, pattern) -%} regexp_extract_all({{ text }}, '{{ pattern }}') {%- endmacro %}
{% macro spark__regexp_all(text, pattern) -%} regexp_extract_all({{ text }}, r'{{ pattern }}', 0) {%- endmacro %}

{% macro regexp_swap(text, pattern, replacement) -%}
    {{ return(adapter.dispatch('regexp_swap', 'lakehouse')(text, pattern, replacement)) }}
{%- endmacro %}

{% macro default__regexp_swap(text, pattern, replacement) -%}
    regexp_replace({{ text }}, '{{ pattern }}', '{{ replacement }}', 'g')
{%- endmacro %}

{% macro spark__regexp_swap(text, pattern, replacement) -%}
    regexp_replace({{ text }}, r'{{ pattern }}', '{{ replacement }}')
{%- endmacro %}

{# a list of the same length, each member changed by an expression over `x` #}
{% macro map_list(list, expression) -%}
    {{ return(adapter.dispatch('map_list', 'lakehouse')(list, expression)) }}
{%- endmacro %}

{% macro default__map_list(list, expression) -%} list_transform({{ list }}, lambda x: {{ expression }}) {%- endmacro %}
{% macro spark__map_list(list, expression) -%} transform({{ list }}, x -> {{ expression }}) {%- endmacro %}

{# letters in lower case, each by itself: Java ends a Greek word with another sigma, and writes a Turkish I as two letters #}
{% macro small_letters(text) -%} {{ return(adapter.dispatch('small_letters', 'lakehouse')(text)) }} {%- endmacro %}
{% macro default__small_letters(text) -%} lower({{ text }}) {%- endmacro %}
{% macro spark__small_letters(text) -%} lower(translate({{ text }}, 'Σİ', 'σi')) {%- endmacro %}

{#
    Latin and Greek letters without their accents. In other scripts a mark makes another letter (й, が, กิ): there it stays,
    but for the selectors that only choose a glyph. pipelines/spark.py has the same rule for Spark.
#}
{% macro plain_letters(text) -%} {{ return(adapter.dispatch('plain_letters', 'lakehouse')(text)) }} {%- endmacro %}

{% macro default__plain_letters(text) -%}
    {%- set marks_go = '\\p{M}\\x{0}-\\x{3FF}\\x{1D00}-\\x{2BFF}\\x{2C60}-\\x{2C7F}\\x{A720}-\\x{A7FF}\\x{AB30}-\\x{AB6F}'
        ~ '\\x{FB00}-\\x{FB06}\\x{FF00}-\\x{FF5E}\\x{1D400}-\\x{1DFFF}\\x{1F000}-\\x{1FAFF}' -%}
    array_to_string(
        list_transform(
            regexp_extract_all(nfc_normalize({{ text }}), '(?:[^{{ marks_go }}]\p{M}*)+|[{{ marks_go }}]+'),
            lambda part: case
                when unicode(part) < 1024 or regexp_matches(part, '^[{{ marks_go }}]') then strip_accents(part)
                else regexp_replace(part, '[\x{FE00}-\x{FE0F}\x{E0100}-\x{E01EF}]', '', 'g')
            end
        ),
        ''
    )
{%- endmacro %}

{% macro spark__plain_letters(text) -%} lakehouse_plain_letters({{ text }}) {%- endmacro %}

{# a record with named fields; records compare field by field in the written order #}
{% macro record(fields) -%} {{ return(adapter.dispatch('record', 'lakehouse')(fields)) }} {%- endmacro %}

{% macro default__record(fields) -%}
    {
        {%- for name, value in fields.items() -%}
            '{{ name }}': {{ value }}{% if not loop.last %}, {% endif %}
        {%- endfor -%}
    }
{%- endmacro %}

{% macro spark__record(fields) -%}
    named_struct(
        {%- for name, value in fields.items() -%}
            '{{ name }}', {{ value }}{% if not loop.last %}, {% endif %}
        {%- endfor -%}
    )
{%- endmacro %}

{# all values of an aggregate as a sorted list #}
{% macro sorted_list(value) -%} {{ return(adapter.dispatch('sorted_list', 'lakehouse')(value)) }} {%- endmacro %}
{% macro default__sorted_list(value) -%} list_sort(list({{ value }})) {%- endmacro %}
{% macro spark__sorted_list(value) -%} array_sort(collect_list({{ value }})) {%- endmacro %}

{# an instant as ISO text in UTC with milliseconds #}
{% macro iso_text(instant) -%} {{ return(adapter.dispatch('iso_text', 'lakehouse')(instant)) }} {%- endmacro %}

{% macro default__iso_text(instant) -%}
    strftime(timezone('UTC', {{ instant }}), '%Y-%m-%dT%H:%M:%S.%gZ')
{%- endmacro %}

{% macro spark__iso_text(instant) -%}
    date_format({{ instant }}, "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'")
{%- endmacro %}

{# whole quotient, rounded down #}
{% macro floor_divide(dividend, divisor) -%}
    cast(floor(({{ dividend }}) / {{ divisor }}) as bigint)
{%- endmacro %}

{# a sorted list with one value more; null counts as empty #}
{% macro list_with(list, value) -%} {{ return(adapter.dispatch('list_with', 'lakehouse')(list, value)) }} {%- endmacro %}
{% macro default__list_with(list, value) -%} list_sort(list_append(coalesce({{ list }}, []), {{ value }})) {%- endmacro %}
{% macro spark__list_with(list, value) -%}
    array_sort(array_append(coalesce({{ list }}, array()), {{ value }}))
{%- endmacro %}
