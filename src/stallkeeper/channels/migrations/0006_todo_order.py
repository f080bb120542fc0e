"""The line of the todo list in one index, down to the offer: the first few are found without sorting the rest."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("channels", "0005_hot_path"),
        ("core", "0003_hot_path"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="offertodo",
            name="offer_todo_next",
        ),
        migrations.AddIndex(
            model_name="offertodo",
            index=models.Index(fields=["channel", "kind", "-danger", "version", "offer"], name="offer_todo_next"),
        ),
    ]
