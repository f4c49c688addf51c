#include "packet.h"
#include "reader.h"

bool stream_next(const struct stream *s, struct stream_at *at, struct trace_event *e)
{
	while (at->packet < s->n) {
		const struct packet *p = &s->packets[at->packet];
		bool first = !at->offset;

		if (first)
			at->offset = sizeof(struct trace_packet);
		if (at->offset >= p->end) {
			at->packet++;
			at->offset = 0;
			continue;
		}

		u64 head = record_head(p->data + at->offset);

		e->ticks = record_ticks((const void *)p->data, head);
		e->payload = p->data + at->offset + 8;
		e->packet = p->data;
		e->bytes = (u32)record_bytes(head) - 8;
		e->id = (u16)record_id(head);
		e->cpu = (u16)s->cpu;
		e->after_loss = first && p->after_loss;
		at->offset += record_bytes(head);
		e->loss_follows = p->loss_follows && at->offset >= p->end;
		return true;
	}
	return false;
}

static void find_seq(const struct stream *s, struct merge_stream *m)
{
	struct trace_event e;

	m->more_seq = false;
	while (stream_next(s, &m->ahead, &e)) {
		if (event_seq(&e, &m->next_seq)) {
			m->more_seq = true;
			return;
		}
	}
}

static void advance(const struct stream *s, struct merge_stream *m)
{
	u32 seq;

	if (m->some && m->event_has_seq)
		find_seq(s, m);
	m->some = stream_next(s, &m->at, &m->event);
	m->event_has_seq = m->some && event_seq(&m->event, &seq);
}

void merge_begin(struct merge *m, const struct trace *t)
{
	*m = (struct merge){.trace = t};
	for (unsigned i = 0; i < t->n; i++) {
		find_seq(&t->streams[i], &m->streams[i]);
		advance(&t->streams[i], &m->streams[i]);
	}
}

bool merge_next(struct merge *m, struct trace_event *e)
{
	struct merge_stream *best = NULL;
	bool some_seq = false;
	u32 least = 0;

	for (unsigned i = 0; i < m->trace->n; i++) {
		struct merge_stream *s = &m->streams[i];

		if (s->more_seq && (!some_seq || (i32)(s->next_seq - least) < 0)) {
			least = s->next_seq;
			some_seq = true;
		}
	}
	for (unsigned i = 0; i < m->trace->n; i++) {
		struct merge_stream *s = &m->streams[i];

		if (!s->some || (s->event_has_seq && s->next_seq != least))
			continue;
		if (!best || s->event.ticks < best->event.ticks)
			best = s;
	}
	if (!best)
		return false;
	*e = best->event;
	m->number++;
	advance(&m->trace->streams[best - m->streams], best);
	return true;
}

u64 trace_ns(const struct trace *t, u64 ticks)
{
	return (u64)((unsigned __int128)ticks * NS_PER_S / t->about.clock_hz);
}
