import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0003_large_pools'),
    ]

    operations = [
        migrations.RenameField(model_name="trainingrun", old_name="method", new_name="route"),
        migrations.AddField(
            model_name='campaign',
            name='relabel_ids',
            field=models.JSONField(default=list, help_text='Tasks with labels in doubt that are published as a tab.'),
        ),
        migrations.AddField(
            model_name='campaign',
            name='relabel_view_id',
            field=models.PositiveBigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='campaign',
            name='score_version',
            field=models.CharField(blank=True, help_text='An older model that the pool is scored with. Empty: the newest.', max_length=255),
        ),
        migrations.AddField(
            model_name='campaign',
            name='test_ids',
            field=models.JSONField(default=list, help_text='The tasks of a test set that was not drawn at random.'),
        ),
        migrations.AddField(
            model_name='campaign',
            name='test_source',
            field=models.CharField(choices=[('random', 'Drawn at random'), ('ground_truth', 'Ground truth of the project'), ('upload', 'A list of task ids')], default='random', help_text='What the model is measured on, and never learns from.', max_length=16),
        ),
        migrations.AddField(
            model_name='evaluation',
            name='answers',
            field=models.JSONField(default=list, help_text='As al_core.evaluation.TestAnswer. Long: defer it in lists.'),
        ),
        migrations.AddField(
            model_name='evaluation',
            name='classes',
            field=models.JSONField(default=list, help_text='As al_core.evaluation.ClassRow.'),
        ),
        migrations.AddField(
            model_name='evaluation',
            name='confusion',
            field=models.JSONField(default=dict, help_text='As al_core.evaluation.Confusion; empty where there is none.'),
        ),
        migrations.AddField(
            model_name='evaluation',
            name='metrics',
            field=models.JSONField(default=list, help_text='Every metric, as al_core.evaluation.Metric.'),
        ),
        migrations.AddField(
            model_name='round',
            name='agreement',
            field=models.JSONField(default=dict, help_text='How far the model answers as the one before did: kappa, low, high, tasks, and the round of before.'),
        ),
        migrations.AddField(
            model_name='round',
            name='uncertainty',
            field=models.JSONField(default=dict, help_text="How unsure the model is of the pool: mean and max of 1 − the likeliest class's share."),
        ),
        migrations.AddField(
            model_name='trainingrun',
            name='before',
            field=models.JSONField(default=dict, help_text='What the backend was like before it was asked.'),
        ),
        migrations.AddField(
            model_name='trainingrun',
            name='call_back',
            field=models.JSONField(default=dict, help_text='What the backend sent to the call-back address.'),
        ),
        migrations.AddField(
            model_name='trainingrun',
            name='call_back_token',
            field=models.CharField(blank=True, db_index=True, help_text='The secret of its address.', max_length=64),
        ),
        migrations.AddField(
            model_name='trainingrun',
            name='lead_known',
            field=models.PositiveIntegerField(help_text='Labels that Label Studio knows a time of.', null=True),
        ),
        migrations.AddField(
            model_name='trainingrun',
            name='lead_seconds',
            field=models.FloatField(help_text='What people spent on those labels.', null=True),
        ),
        migrations.AddField(
            model_name='trainingrun',
            name='probe_changed',
            field=models.PositiveIntegerField(help_text='Those of them with another prediction.', null=True),
        ),
        migrations.AddField(
            model_name='trainingrun',
            name='probed',
            field=models.PositiveIntegerField(help_text='Probe tasks that were predicted before and after.', null=True),
        ),
        migrations.AddField(
            model_name='trainingrun',
            name='reported',
            field=models.JSONField(default=dict, help_text='Numbers that the backend says of its model; not checked.'),
        ),
        migrations.AlterField(
            model_name='trainingrun',
            name='route',
            field=models.CharField(blank=True, choices=[('train', 'POST /train of the backend'), ('webhook', "START_TRAINING on the backend's /webhook"), ('label_studio', 'through Label Studio')], help_text='How it was started.', max_length=16),
        ),
        migrations.AddField(
            model_name='trainingrun',
            name='said',
            field=models.JSONField(default=list, help_text="The backend's own words, in order."),
        ),
        migrations.AlterField(
            model_name='evaluation',
            name='correct',
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AlterField(
            model_name='evaluation',
            name='metric',
            field=models.CharField(help_text='The one that stands for the model; so do the columns below.', max_length=32),
        ),
        migrations.AlterField(
            model_name='trainingrun',
            name='label_count',
            field=models.PositiveIntegerField(help_text='Tasks that it was to learn from.', null=True),
        ),
        migrations.AlterField(
            model_name='trainingrun',
            name='message',
            field=models.TextField(blank=True, help_text='How the verdict was found, in a sentence.'),
        ),
        migrations.AlterField(
            model_name='trainingrun',
            name='verdict',
            field=models.CharField(choices=[('running', 'Running'), ('new_model', 'New model'), ('same_model', 'Same model as before'), ('failed', 'Failed'), ('cancelled', 'Cancelled')], default='running', max_length=16),
        ),
        migrations.AddField(
            model_name='trainingrun',
            name='backend_url',
            field=models.URLField(blank=True, help_text='Who was asked.', max_length=500),
        ),
        migrations.AddField(
            model_name='trainingrun',
            name='not_measured',
            field=models.TextField(blank=True, help_text='Why its new model has no evaluation; empty where it has one.'),
        ),
        migrations.AlterField(
            model_name='campaign',
            name='control_share',
            field=models.PositiveIntegerField(default=10, help_text='Percent of each batch drawn at random beside the strategy, to check the test set with. Annotators do not see which tasks these are.', validators=[django.core.validators.MaxValueValidator(50)]),
        ),
        migrations.AlterField(
            model_name='job',
            name='kind',
            field=models.CharField(choices=[('score', 'Score the pool'), ('publish', 'Publish the batch'), ('retract', 'Take the batch back'), ('train', 'Train and evaluate'), ('evaluate', 'Measure again'), ('doctor', 'Examine the numbers')], max_length=16),
        ),
        migrations.AlterField(
            model_name='round',
            name='control_share',
            field=models.PositiveIntegerField(default=10, help_text='Percent of each batch drawn at random beside the strategy, to check the test set with. Annotators do not see which tasks these are.', validators=[django.core.validators.MaxValueValidator(50)]),
        ),
        migrations.AddConstraint(
            model_name='trainingrun',
            constraint=models.UniqueConstraint(condition=models.Q(('verdict', 'running'), models.Q(('backend_url', ''), _negated=True)), fields=('backend_url',), name='one_training_per_backend'),
        ),
    ]
