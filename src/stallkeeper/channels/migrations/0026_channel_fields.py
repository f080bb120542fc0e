"""What a channel is beside its rules, and further fields that an administrator defines."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('channels', '0025_waits'),
    ]

    operations = [
        migrations.AddField(
            model_name='channel',
            name='category',
            field=models.CharField(blank=True, db_default='', default='', max_length=300),
        ),
        migrations.AddField(
            model_name='channel',
            name='further',
            field=models.JSONField(blank=True, db_default=models.Value({}, models.JSONField()), default=dict),
        ),
        migrations.AddField(
            model_name='channel',
            name='price_origin',
            field=models.CharField(choices=[('channel', "the channel's price stands"), ('list', 'our price list'), ('order', 'as the kind of order says')], db_default='channel', default='channel', max_length=10),
        ),
        migrations.AddField(
            model_name='channel',
            name='sales_organisation',
            field=models.CharField(blank=True, db_default='', default='', max_length=100),
        ),
        migrations.CreateModel(
            name='FurtherField',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('label', models.CharField(max_length=60, verbose_name='name')),
                ('kind', models.CharField(choices=[('text', 'text'), ('email', 'e-mail address'), ('url', 'web address'), ('date', 'date'), ('moment', 'date and time'), ('choice', 'classification (one of a list)'), ('amount', 'amount'), ('price', 'price'), ('own_amount', 'amount in your own currency'), ('own_price', 'price in your own currency'), ('quantity', 'quantity'), ('tick', 'tick box'), ('product', 'a product of yours (its SKU)'), ('long', 'long text')], max_length=12, verbose_name='kind')),
                ('choices', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=60), blank=True, default=list, size=None)),
                ('currency', models.CharField(blank=True, default='', max_length=3, verbose_name='currency')),
                ('help', models.CharField(blank=True, default='', max_length=200, verbose_name='explanation')),
                ('position', models.PositiveIntegerField(default=0)),
                ('active', models.BooleanField(default=True)),
                ('organisation', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.organisation')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('organisation', 'label'), name='further_field_once')],
            },
        ),
    ]
