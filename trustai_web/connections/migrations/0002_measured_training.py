import django.db.models.deletion
import trustai_web.common.fields
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('connections', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='BackendSettings',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('url', models.URLField(max_length=500)),
                ('username', models.CharField(blank=True, max_length=255)),
                ('password', trustai_web.common.fields.EncryptedTextField(blank=True)),
                ('train_route', models.CharField(blank=True, choices=[('', 'Automatic'), ('train', 'POST /train of the backend'), ('webhook', "START_TRAINING on the backend's /webhook"), ('label_studio', 'Through Label Studio')], default='', max_length=16)),
                ('train_minutes', models.PositiveIntegerField(blank=True, help_text='How long a training may take. Empty: as the site says.', null=True)),
                ('connection', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='backend_settings', to='connections.connection')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('connection', 'url'), name='settings_once_per_backend')],
            },
        ),
    ]
