{# a rule of the business that holds in every row; a row for which it is null breaks it too #}
{% test gold_is_true(model, expression) %}

select *
from {{ model }}
where coalesce(not ({{ expression }}), true)

{% endtest %}
