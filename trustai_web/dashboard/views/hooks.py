"""What programs call, not people: the one who calls is known by the secret in the address alone."""

import json
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseNotFound
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from trustai_web.campaigns.services.training import call_back_heard

MAX_BODY = 16_000
"""Bytes: a status, a version, an error and some numbers."""


@csrf_exempt
@login_not_required
@require_POST
def training_hook(request: HttpRequest, token: str) -> HttpResponse:
    """An ML backend says that the training it was asked for has ended.

    Every refusal but one says nothing of the token; that one is the same for a token that never was and for one whose
    training has ended.
    """
    if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_BODY:
        return HttpResponse(f"The body has more than {MAX_BODY} bytes.\n", status=413, content_type="text/plain")
    body = _object(request.body)
    if body is None:
        return HttpResponseBadRequest("The body is no JSON object.\n", content_type="text/plain")
    return HttpResponse(status=204) if call_back_heard(token, body) else HttpResponseNotFound()


def _object(content: bytes) -> dict[str, Any] | None:
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None
