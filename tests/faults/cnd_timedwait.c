/* libfaketime translates the times that pthread_cond_timedwait is given, and does not know of C11's
 * cnd_timedwait, by which librdkafka waits: there a wait by a faked clock would be held against the true
 * one. Preloaded before libfaketime, this leads the one to the other; in glibc their types are the same. */
#include <errno.h>
#include <pthread.h>
#include <threads.h>

int cnd_timedwait(cnd_t *restrict condition, mtx_t *restrict mutex, const struct timespec *restrict until) {
    int error = pthread_cond_timedwait((pthread_cond_t *)condition, (pthread_mutex_t *)mutex, until);
    return error == 0 ? thrd_success : error == ETIMEDOUT ? thrd_timedout : thrd_error;
}
