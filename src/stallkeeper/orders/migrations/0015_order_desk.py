"""The list of orders at people's desks: notes, saved views, what each person likes, and indexes for what the list is filtered by."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models



def _id():
    return models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')


def _organisation(**kept):
    return models.ForeignKey(
        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.organisation', **kept
    )


def _user(**kept):
    return models.ForeignKey(
        db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL, **kept
    )


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0009_api_keys'),
        ('orders', '0014_problem_board'),
    ]

    operations = [
        migrations.CreateModel(
            name='OrderDesk',
            fields=[
                ('id', _id()),
                ('opens_with', models.CharField(blank=True, default='', max_length=40)),
                ('carrier', models.CharField(blank=True, default='', max_length=60)),
                ('organisation', _organisation()),
                ('user', _user()),
            ],
            options={'constraints': [models.UniqueConstraint(fields=('organisation', 'user'), name='order_desk_once')]},
        ),
        migrations.CreateModel(
            name='OrderNote',
            fields=[
                ('id', _id()),
                ('at', models.DateTimeField()),
                ('actor', models.CharField(max_length=60)),
                ('key', models.CharField(max_length=40)),
                ('text', models.TextField(max_length=2000, verbose_name='note')),
                (
                    'order',
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='notes', to='orders.order'
                    ),
                ),
                ('organisation', _organisation(db_constraint=False)),
            ],
            options={'constraints': [models.UniqueConstraint(fields=('order', 'key'), name='order_note_once')]},
        ),
        migrations.CreateModel(
            name='OrderView',
            fields=[
                ('id', _id()),
                ('name', models.CharField(max_length=60, verbose_name='name')),
                ('query', models.CharField(max_length=500)),
                ('actor', models.CharField(max_length=60)),
                ('organisation', _organisation()),
                ('user', _user(null=True)),
            ],
            options={
                'constraints': [
                    models.UniqueConstraint(
                        fields=('organisation', 'user', 'name'), name='order_view_once', nulls_distinct=False
                    )
                ]
            },
        ),
        migrations.AddIndex(
            model_name='order', index=models.Index(fields=['organisation', 'state', '-ordered_at'], name='order_state')
        ),
        migrations.AddIndex(
            model_name='orderline',
            index=models.Index(fields=['order'], name='order_line_wish', condition=models.Q(cancel_requested__gt=0)),
        ),
    ]
