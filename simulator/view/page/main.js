// What is chosen, and what happens when somebody chooses.

const chosen = {time: run.end, event: -1, room: 0, finding: -1, answers: false, onlyDifferences: false};
const chosenServers = {a: 0, b: run.hosts.length > 1 ? 1 : -1};
const byId = (id) => document.getElementById(id);

// Drawings are made once for all changes of a moment.
const pending = new Set();
function redraw(...parts) {
  if (!pending.size) requestAnimationFrame(drawPending);
  for (const part of parts) pending.add(part);
}
function drawPending() {
  const parts = new Set(pending);
  pending.clear();
  if (parts.has('timeline')) drawTimeline();
  if (parts.has('graph')) {
    layOutGraph();
    drawGraph();
  } else if (parts.has('scroll')) {
    drawGraph();
  }
  if (parts.has('event')) showEvent();
  if (parts.has('state')) showState();
  if (parts.has('around')) showAround();
}
const kAll = ['timeline', 'graph', 'event', 'state', 'around'];

function chooseTime(time) {
  chosen.time = Math.max(0, Math.min(run.end, time));
  byId('time').value = String(Math.round(chosen.time / Math.max(run.end, 1) * 1e6));
  byId('time-text').value = seconds(chosen.time);
  if (chosen.time < timeline.from || chosen.time > timeline.until) {
    const span = timeline.until - timeline.from;
    showSpan(chosen.time - span / 2, chosen.time + span / 2);
  }
  layOutGraph();
  scrollToTime();
  describe();
  redraw(...kAll);
}
function chooseEvent(number) {
  if (number < 0) return;
  const event = run.events[number];
  chosen.event = number;
  if (event.room !== chosen.room) {
    chosen.room = event.room;
    byId('room').value = String(event.room);
  }
  layOutGraph();
  scrollToEvent(number);
  describe();
  redraw(...kAll);
}
function chooseServers(a, b) {
  chosenServers.a = a;
  chosenServers.b = b === a ? -1 : b;
  byId('server-a').value = String(chosenServers.a);
  byId('server-b').value = String(chosenServers.b);
  describe();
  redraw(...kAll);
}
function describe() {
  const {a, b} = chosenServers;
  let text = seconds(chosen.time) + ' in ' + (run.rooms.length ? run.rooms[chosen.room].name : 'no room') + ', ' + hostName(a);
  if (b >= 0) {
    const roomA = roomAt(a, chosen.room, chosen.time), roomB = roomAt(b, chosen.room, chosen.time);
    text += ' and ' + hostName(b) + ': ' + (roomA && roomB ? roomA.state === roomB.state ? 'equal states' : 'different states' : 'one is not in the room');
  }
  if (chosen.event >= 0) text += '; event ' + eventText(chosen.event);
  byId('status').textContent = text;
}

// The span in which two servers stored an event, with room around it.
function showStorings(event, servers) {
  const times = [];
  for (const server of servers) for (const one of storingsOf.get(server + ' ' + event) || []) times.push(one.at);
  for (const one of run.messages) {
    if (one.events.includes(event) && servers.includes(one.to)) times.push(one.sent, one.arrived < 0 ? one.sent : one.arrived);
  }
  if (!times.length) return -1;
  const from = Math.min(...times);
  // Repeated attempts may follow for hours.
  const until = Math.min(Math.max(...times), from + 2e6);
  const margin = Math.max((until - from) * 0.4, 100000);
  showSpan(from - margin, until + margin);
  return until;
}

function chooseParting(parting, button) {
  chosen.room = parting.room;
  byId('room').value = String(parting.room);
  chooseServers(parting.a, parting.b);
  const until = showStorings(parting.event, [parting.a, parting.b]);
  chooseEvent(parting.event);
  if (until >= 0) chooseTime(until);
  scrollToEvent(parting.event);
  byId('state-when').value = parting.kind === 1 ? 'before' : 'now';
  markCurrent(button);
}
function chooseFinding(finding, button) {
  const servers = finding.servers;
  if (finding.room >= 0) {
    chosen.room = finding.room;
    byId('room').value = String(finding.room);
  }
  if (servers.length) chooseServers(servers[0], servers.length > 1 ? servers[1] : chosenServers.b === servers[0] ? -1 : chosenServers.b);
  const event = finding.events.length ? finding.events[0] : -1;
  if (event >= 0) {
    const until = showStorings(event, [chosenServers.a, chosenServers.b]);
    chooseEvent(event);
    chooseTime(until >= 0 ? until : finding.at);
    scrollToEvent(event);
  } else {
    showAll();
    chooseTime(finding.at);
  }
  markCurrent(button);
}
function markCurrent(button) {
  for (const one of byId('findings').children) one.removeAttribute('aria-current');
  if (button) button.setAttribute('aria-current', 'true');
}

// --- The page ------------------------------------------------------------------------------------

function fillHead() {
  byId('title').textContent = document.title;
  const outcome = byId('outcome');
  outcome.className = raw.outcome;
  outcome.append(element('b', {}, raw.outcome), ' after ' + seconds(run.end) + ' of virtual time: ' + raw.dispatch_count + ' dispatches, ' +
      run.messages.length + ' messages, ' + run.events.length + ' events, ' + run.findings.length + ' findings' +
      (raw.hash ? '; trace hash ' + raw.hash : ''));
  if (raw.reason) outcome.append(element('br', {}), raw.reason);
  if (raw.stuck_in) outcome.append(element('br', {}), 'stuck in phase: ' + raw.stuck_in);
  if (raw.meetings_left_out) outcome.append(element('br', {}), raw.meetings_left_out + ' resolutions are not shown: there are too many.');
  byId('banner').textContent = raw.banner + '\nrepeat: ' + raw.repeat;
}
function fillFindings() {
  const list = byId('findings');
  // What came first may be the reason of the others.
  const begin = (parting) => Math.min(...[parting.a, parting.b].flatMap(
      (server) => (storingsOf.get(server + ' ' + parting.event) || []).map((one) => one.at)));
  const partings = [...run.partings].sort((x, y) => begin(x) - begin(y));
  const groups = groupBy(partings, (one) => one.room + ' ' + one.event + ' ' + one.kind);
  for (const [parting, ...others] of [...groups.values()].slice(0, kRowsShownMax)) {
    const button = element('button', {type: 'button', class: 'parting'}, partingText(parting, others));
    button.addEventListener('click', () => chooseParting(parting, button));
    list.append(button);
  }
  for (const finding of run.findings) {
    const button = element('button', {type: 'button'}, seconds(finding.at) + '  ' + finding.checker + ': ' + finding.what);
    button.addEventListener('click', () => chooseFinding(finding, button));
    list.append(button);
  }
}
function fillControls() {
  run.rooms.forEach((room) => byId('room').append(element('option', {value: String(room.i)}, room.name + ' ' + room.id)));
  byId('server-b').append(element('option', {value: '-1'}, 'none'));
  run.names.forEach((name, host) => {
    if (name[0] === 'b') return;
    byId('server-a').append(element('option', {value: String(host)}, name));
    byId('server-b').append(element('option', {value: String(host)}, name));
  });
  byId('room').addEventListener('change', (event) => {
    chosen.room = Number(event.target.value);
    chosen.event = -1;
    graph.box.scrollTop = 0;
    chooseTime(chosen.time);
  });
  byId('server-a').addEventListener('change', (event) => chooseServers(Number(event.target.value), chosenServers.b));
  byId('server-b').addEventListener('change', (event) => chooseServers(chosenServers.a, Number(event.target.value)));
  byId('time').addEventListener('input', (event) => chooseTime(Number(event.target.value) / 1e6 * run.end));
  byId('only-differences').addEventListener('change', (event) => {
    chosen.onlyDifferences = event.target.checked;
    graph.box.scrollTop = 0;
    redraw('graph', 'state');
  });
  byId('show-answers').addEventListener('change', (event) => {
    chosen.answers = event.target.checked;
    redraw('timeline');
  });
  byId('state-when').addEventListener('change', () => redraw('state'));
  byId('state-filter').addEventListener('input', () => redraw('state'));
  const seen = 'What one node says: left half server A, right half server B; hollow: not there yet; ring: forward extremity.';
  byId('graph-note').textContent = seen;
}

function listenToPointer() {
  const canvas = timeline.canvas, tip = byId('tip');
  let drag = null;
  canvas.addEventListener('wheel', (event) => {
    event.preventDefault();
    if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      const shift = (timeline.until - timeline.from) * (event.deltaX || event.deltaY) / timeline.width;
      showSpan(timeline.from + shift, timeline.until + shift);
    } else {
      zoom(Math.exp(event.deltaY * 0.0016), xTime(event.offsetX));
    }
  }, {passive: false});
  canvas.addEventListener('pointerdown', (event) => {
    drag = {x: event.offsetX, from: timeline.from, until: timeline.until, isMoved: false};
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener('pointermove', (event) => {
    if (drag) {
      const moved = event.offsetX - drag.x;
      if (Math.abs(moved) > 3) drag.isMoved = true;
      if (!drag.isMoved) return;
      const shift = -moved / (timeline.width - kLabelWidth) * (drag.until - drag.from);
      return showSpan(drag.from + shift, drag.until + shift);
    }
    const hit = findHit(event.offsetX, event.offsetY);
    tip.hidden = !hit;
    if (!hit) return;
    tip.textContent = hit.text;
    tip.style.left = Math.min(event.offsetX + 12, Math.max(0, timeline.width - tip.offsetWidth - 8)) + 'px';
    tip.style.top = event.offsetY + 14 + 'px';
  });
  canvas.addEventListener('pointerleave', () => { tip.hidden = true; });
  canvas.addEventListener('pointerup', (event) => {
    const isClick = drag && !drag.isMoved;
    drag = null;
    if (!isClick) return;
    if (event.offsetX < kLabelWidth) {
      const host = Math.floor((event.offsetY - kAxisHeight) / kLaneHeight);
      if (host >= 0 && host < run.hosts.length && run.names[host][0] !== 'b') chooseServers(host, chosenServers.a);
      return;
    }
    const hit = findHit(event.offsetX, event.offsetY);
    chooseTime(hit ? hit.at : xTime(event.offsetX));
    if (hit && hit.event >= 0) chooseEvent(hit.event);
  });
  graph.box.addEventListener('scroll', () => redraw('scroll'));
  graph.canvas.addEventListener('click', (event) => {
    const row = Math.floor((event.offsetY + graph.box.scrollTop - 4) / kRowHeight);
    if (graph.list[row]) chooseEvent(graph.list[row].i);
  });
}

function stepEvent(direction) {
  const place = lowerBound(records, chosen.time + (direction > 0 ? 0.5 : 0), (one) => one.at) + (direction > 0 ? 0 : -1);
  if (records[place]) chooseTime(records[place].at);
}
function stepFinding(direction) {
  const buttons = [...byId('findings').children];
  if (!buttons.length) return;
  const current = buttons.findIndex((one) => one.getAttribute('aria-current'));
  const next = buttons[(current + direction + buttons.length) % buttons.length];
  next.scrollIntoView({block: 'nearest'});
  next.click();
}
function listenToKeys() {
  timeline.canvas.addEventListener('keydown', (event) => {
    const span = timeline.until - timeline.from;
    const actions = {
      '+': () => zoom(0.6, chosen.time), '=': () => zoom(0.6, chosen.time), '-': () => zoom(1 / 0.6, chosen.time),
      '0': showAll,
      ArrowLeft: () => event.shiftKey ? showSpan(timeline.from - span * 0.2, timeline.until - span * 0.2) : stepEvent(-1),
      ArrowRight: () => event.shiftKey ? showSpan(timeline.from + span * 0.2, timeline.until + span * 0.2) : stepEvent(1),
      Home: () => chooseTime(0), End: () => chooseTime(run.end),
      j: () => stepFinding(1), k: () => stepFinding(-1),
    };
    if (!actions[event.key]) return;
    event.preventDefault();
    actions[event.key]();
  });
  graph.box.addEventListener('keydown', (event) => {
    const step = {ArrowUp: -1, ArrowDown: 1}[event.key];
    if (!step || !graph.list.length) return;
    event.preventDefault();
    const row = graph.rowOf.get(chosen.event);
    const next = row === undefined ? 0 : Math.max(0, Math.min(graph.list.length - 1, row + step));
    chooseEvent(graph.list[next].i);
  });
}

readColours();
fillHead();
fillControls();
fillFindings();
listenToPointer();
listenToKeys();
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  readColours();
  redraw(...kAll);
});
window.addEventListener('resize', () => redraw('timeline', 'graph'));
showAll();
chooseServers(chosenServers.a, chosenServers.b);
chooseTime(run.end);
const firstButton = byId('findings').firstElementChild;
if (firstButton) firstButton.click();
pending.clear();
for (const part of kAll) pending.add(part);
drawPending();
document.documentElement.dataset.readyMs = String(Math.round(performance.now()));
