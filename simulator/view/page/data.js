// What the page is drawn from: the rows of the data with names for their values, and questions.
'use strict';

const failures = [];
function showFailure(text) {
  failures.push(text);
  document.documentElement.dataset.errors = String(failures.length);
  const box = document.getElementById('broken');
  box.hidden = false;
  box.textContent = 'This page has an error of its own: ' + failures[0];
}
window.addEventListener('error', (event) => showFailure(event.message + ' (line ' + event.lineno + ')'));
window.addEventListener('unhandledrejection', (event) => showFailure(String(event.reason)));

const raw = JSON.parse(document.getElementById('data').textContent);

// Each row becomes an object; `i` is its number.
function rows(list, names) {
  return list.map((row, i) => {
    const object = {i};
    for (let k = 0; k < names.length; ++k) object[names[k]] = row[k];
    return object;
  });
}

const run = {
  hosts: raw.hosts,
  names: raw.hosts.map((host) => host.split('.')[0]),
  end: raw.end,
  rooms: rows(raw.rooms, ['name', 'id']),
  events: rows(raw.events, ['name', 'id', 'room', 'type', 'key', 'sender', 'depth', 'prev', 'auth', 'origin', 'text']),
  messages: rows(raw.messages, ['from', 'to', 'sent', 'arrived', 'wasSent', 'request', 'what', 'events', 'edus', 'errcode', 'bytes']),
  storings: rows(raw.storings, ['at', 'server', 'event', 'verdict', 'rule', 'detail', 'before', 'after', 'carrier', 'inputs']),
  changes: rows(raw.room_changes, ['at', 'server', 'room', 'extremities', 'state']),
  clients: rows(raw.clients, ['at', 'answered', 'server', 'user', 'what', 'status', 'error', 'event']),
  faults: rows(raw.faults, ['from', 'until', 'what', 'servers']),
  kept: rows(raw.kept, ['server', 'event', 'what']),
  downs: rows(raw.downs, ['server', 'from', 'until', 'why']),
  notes: rows(raw.notes, ['at', 'kind', 'detail', 'servers']),
  logs: rows(raw.logs, ['at', 'server', 'name', 'text']),
  findings: rows(raw.findings, ['at', 'checker', 'what', 'servers', 'events', 'room']),
  partings: rows(raw.partings, ['room', 'a', 'b', 'kind', 'event']),
  meetings: rows(raw.meetings, ['event', 'servers', 'algorithm', 'states', 'conflicts', 'steps', 'deviation']),
  keys: rows(raw.keys, ['type', 'key']),
};

// Dispatches are many: two columns of numbers.
run.dispatchTimes = new Float64Array(raw.dispatch_count);
run.dispatchServers = new Int32Array(raw.dispatch_count);
(function decodeDispatches() {
  const bytes = atob(raw.dispatches);
  let at = 0;
  const next = () => {
    let number = 0, factor = 1, byte;
    do {
      byte = bytes.charCodeAt(at++);
      number += (byte & 127) * factor;
      factor *= 128;
    } while (byte & 128);
    return number;
  };
  let time = 0;
  for (let i = 0; i < raw.dispatch_count; ++i) {
    time += next();
    run.dispatchTimes[i] = time;
    run.dispatchServers[i] = next() - 1;
  }
})();

// --- Questions -----------------------------------------------------------------------------------

// The first place of a sorted list whose time is not before `time`.
function lowerBound(list, time, timeOf) {
  let low = 0, high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (timeOf(list[middle]) < time) low = middle + 1; else high = middle;
  }
  return low;
}

function groupBy(list, keyOf) {
  const groups = new Map();
  for (const item of list) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item); else groups.set(key, [item]);
  }
  return groups;
}

const storingsOf = groupBy(run.storings, (one) => one.server + ' ' + one.event);
const changesOf = groupBy(run.changes, (one) => one.server + ' ' + one.room);
const meetingsOf = groupBy(run.meetings, (one) => one.event);
const eventsOfRoom = groupBy(run.events, (one) => one.room);
for (const events of eventsOfRoom.values()) events.sort((a, b) => a.depth - b.depth || a.i - b.i);
const answerOf = new Map();
for (const message of run.messages) if (message.request >= 0) answerOf.set(message.request, message);

// What a server has made of an event until then; nothing: it does not have it.
function storedAt(server, event, time) {
  const list = storingsOf.get(server + ' ' + event);
  if (!list) return null;
  let found = null;
  for (const one of list) {
    if (one.at > time) break;
    found = one;
  }
  return found;
}
function lastStored(server, event) { return storedAt(server, event, Infinity); }

function roomAt(server, room, time) {
  const list = changesOf.get(server + ' ' + room);
  if (!list) return null;
  const place = lowerBound(list, time + 0.5, (one) => one.at);
  return place > 0 ? list[place - 1] : null;
}

// A state as a map from the number of a key to that of an event. States are differences: some stay.
const stateCache = new Map();
function stateOf(number) {
  if (number < 0) return null;
  const way = [];
  let at = number;
  while (at >= 0 && !stateCache.has(at)) {
    way.push(at);
    at = raw.states[at][0];
  }
  let state = new Map(at >= 0 ? stateCache.get(at) : []);
  while (way.length) {
    const next = way.pop();
    for (const [key, event] of raw.states[next][1]) {
      if (event < 0) state.delete(key); else state.set(key, event);
    }
    if (next % 64 === 0) stateCache.set(next, new Map(state));
  }
  stateCache.set(number, state);
  return state;
}

function seconds(us) { return (us / 1e6).toFixed(us % 1000 ? 6 : 3) + ' s'; }
function hostName(number) { return number < 0 ? 'world' : run.names[number]; }
function keyText(event) { return event.key === null ? event.type : event.type + ' "' + event.key + '"'; }
function eventText(number) {
  const event = run.events[number];
  return event.name + ' ' + keyText(event) + ' by ' + event.sender;
}
function requestOf(message) { return message.request >= 0 ? run.messages[message.request] : message; }
function messageText(message) {
  const what = message.request >= 0 ? message.what + ' to ' + requestOf(message).what : message.what;
  let text = hostName(message.from) + ' → ' + hostName(message.to) + ': ' + what;
  if (message.events.length) {
    text += '\ncarries ' + message.events.slice(0, 8).map(eventText).join('\n') +
        (message.events.length > 8 ? '\nand ' + (message.events.length - 8) + ' more' : '');
  }
  if (message.edus.length) text += '\n+ ' + message.edus.join(', ');
  if (message.errcode) text += '\n' + message.errcode;
  text += '\nsent ' + seconds(message.sent) +
      (message.arrived >= 0 ? ', arrived ' + seconds(message.arrived) : ', never arrived');
  return text;
}
