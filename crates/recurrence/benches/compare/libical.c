/* libical's times, in the form of benches/native.rs. Build: cc -O2 libical.c -lical */
#include <libical/ical.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e9 + t.tv_nsec;
}

static icaltimezone *zone;
static struct icaltimetype start, later;
static struct icalrecurrencetype rule;
static volatile long sink;

static void first(const char *text) {
  icalrecur_iterator *it = icalrecur_iterator_new(icalrecurrencetype_from_string(text), start);
  sink += icaltime_as_timet_with_zone(icalrecur_iterator_next(it), zone);
  icalrecur_iterator_free(it);
}

static void next(const char *text) {
  icalrecur_iterator *it = icalrecur_iterator_new(rule, start);
  icalrecur_iterator_set_start(it, later);
  sink += icaltime_as_timet_with_zone(icalrecur_iterator_next(it), zone);
  icalrecur_iterator_free(it);
}

static void thousand(const char *text) {
  icalrecur_iterator *it = icalrecur_iterator_new(rule, start);
  for (int n = 0; n < 1000; n++)
    sink += icaltime_as_timet_with_zone(icalrecur_iterator_next(it), zone);
  icalrecur_iterator_free(it);
}

static double best(void (*call)(const char *), const char *text, int calls) {
  double least = 1e18;
  for (int round = 0; round < 5; round++) {
    double begun = now();
    for (int n = 0; n < calls; n++) call(text);
    double each = (now() - begun) / calls;
    if (each < least) least = each;
  }
  return least;
}

int main(void) {
  char text[200];
  zone = icaltimezone_get_builtin_timezone("America/New_York");
  start = icaltime_from_string("20240102T090000");
  later = icaltime_from_string("20260601T000000");
  start.zone = later.zone = zone;
  while (fgets(text, sizeof text, stdin)) {
    text[strcspn(text, "\n")] = 0;
    rule = icalrecurrencetype_from_string(text);
    printf("{\"rule\":\"%s\",\"first\":%.0f,\"next\":%.0f,\"thousand\":%.0f}\n", text, best(first, text, 300),
           best(next, text, 300), best(thousand, text, 3));
  }
  return 0;
}
