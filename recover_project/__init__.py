from recover_project.celery import app

__all__ = ["app"]
