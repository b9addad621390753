from airflow_provider_inforu.outcomes.wait_progress import PROGRESS_SECONDS, Progress


def test_the_first_count_is_news_and_the_same_count_is_none():
    progress = Progress()
    assert progress.is_news(0, 5.0)
    assert not progress.is_news(0, 5.0 + 10 * PROGRESS_SECONDS)


def test_a_change_that_comes_too_soon_is_told_later():
    progress = Progress()
    assert progress.is_news(1, 0.0)
    assert not progress.is_news(2, PROGRESS_SECONDS - 1)
    assert not progress.is_news(3, PROGRESS_SECONDS - 0.5)
    assert progress.is_news(3, PROGRESS_SECONDS)
