// The timeline: a lane for each host, drawn on a canvas; many things become bars of their number.

const timeline = {
  canvas: document.getElementById('timeline'),
  from: 0,
  until: Math.max(run.end, 1),
  hits: [],  // What was drawn one by one, to be pointed at.
};
const kLabelWidth = 52;
const kAxisHeight = 34;
const kMessagesDrawnMax = 2500;  // More become bars.
const kDotsDrawnMax = 4000;
const kLaneHeight = run.hosts.length <= 12 ? 40 : run.hosts.length <= 60 ? 24 : 14;
const longestFlight = run.messages.reduce(
    (most, one) => one.arrived < 0 ? most : Math.max(most, one.arrived - one.sent), 0);

let colours = {};
function readColours() {
  const style = getComputedStyle(document.documentElement);
  for (const name of ['text', 'quiet', 'line', 'panel', 'ground', 'accepted', 'soft', 'rejected', 'outlier', 'carries',
    'message', 'lost', 'byzantine', 'band', 'differs', 'cursor', 'bad', 'accent'])
    colours[name] = style.getPropertyValue('--' + name).trim();
}
function verdictColour(verdict) {
  if (verdict === 'accepted' || verdict === 'redacted') return colours.accepted;
  if (verdict === 'soft-failed') return colours.soft;
  if (verdict === 'outlier') return colours.outlier;
  return colours.rejected;
}

// A canvas as large as it is shown, in points of the screen.
function prepareCanvas(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.height = height + 'px';
  }
  const context = canvas.getContext('2d');
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

function laneY(host) { return kAxisHeight + (host + 0.5) * kLaneHeight; }
function timeX(time) {
  const width = timeline.width - kLabelWidth;
  return kLabelWidth + (time - timeline.from) / (timeline.until - timeline.from) * width;
}
function xTime(x) {
  const width = timeline.width - kLabelWidth;
  return timeline.from + (x - kLabelWidth) / width * (timeline.until - timeline.from);
}

function drawTimeline() {
  const canvas = timeline.canvas;
  timeline.width = canvas.clientWidth;
  timeline.height = kAxisHeight + run.hosts.length * kLaneHeight + 8;
  const context = prepareCanvas(canvas, timeline.width, timeline.height);
  timeline.hits = [];
  context.font = '11px system-ui, sans-serif';
  drawFaults(context);
  drawAxis(context);
  context.save();
  context.beginPath();
  context.rect(kLabelWidth, 0, timeline.width - kLabelWidth, timeline.height);
  context.clip();
  drawDowns(context);
  drawMessages(context);
  drawStorings(context);
  drawClients(context);
  drawActs(context);
  drawFindings(context);
  drawCursor(context);
  context.restore();
}

function drawAxis(context) {
  context.strokeStyle = colours.line;
  context.fillStyle = colours.quiet;
  const span = timeline.until - timeline.from;
  const step = niceStep(span / 8);
  context.textBaseline = 'top';
  for (let time = Math.ceil(timeline.from / step) * step; time <= timeline.until; time += step) {
    const x = Math.round(timeX(time)) + 0.5;
    context.beginPath();
    context.moveTo(x, 14);
    context.lineTo(x, timeline.height);
    context.globalAlpha = 0.5;
    context.stroke();
    context.globalAlpha = 1;
    context.fillText(tickText(time, step), x + 3, 2);
  }
  context.textBaseline = 'middle';
  run.names.forEach((name, host) => {
    const y = Math.round(laneY(host)) + 0.5;
    context.beginPath();
    context.moveTo(kLabelWidth, y);
    context.lineTo(timeline.width, y);
    context.stroke();
    context.fillStyle = name.startsWith('b') ? colours.byzantine : colours.text;
    const chosen = host === chosenServers.a ? ' A' : host === chosenServers.b ? ' B' : '';
    context.font = (chosen ? 'bold ' : '') + '12px system-ui, sans-serif';
    context.fillText(name + chosen, 6, y);
  });
  context.font = '11px system-ui, sans-serif';
}

function niceStep(rough) {
  const power = Math.pow(10, Math.floor(Math.log10(Math.max(rough, 1))));
  for (const factor of [1, 2, 5, 10]) if (factor * power >= rough) return factor * power;
  return 10 * power;
}
function tickText(time, step) {
  const digits = Math.max(0, Math.min(6, 6 - Math.floor(Math.log10(step))));
  return (time / 1e6).toFixed(digits) + ' s';
}

function drawFaults(context) {
  let label = 0;
  for (const fault of run.faults) {
    if (fault.until < timeline.from || fault.from > timeline.until) continue;
    const left = Math.max(kLabelWidth, timeX(fault.from));
    const right = Math.min(timeline.width, Math.max(timeX(fault.until), left + 2));
    context.fillStyle = colours.band;
    const lanes = fault.servers.length ? fault.servers : run.hosts.map((_, host) => host);
    for (const host of lanes)
      context.fillRect(left, laneY(host) - kLaneHeight / 2, right - left, kLaneHeight);
    context.fillStyle = colours.soft;
    context.fillRect(left, 15, right - left, 3);
    context.textBaseline = 'top';
    if (right - left > 30) {
      context.save();
      context.beginPath();
      context.rect(left, 17, right - left, 16);
      context.clip();
      context.fillText(fault.what, left + 3, 19);
      context.restore();
    }
    timeline.hits.push({x: left, y: 22, x2: right, y2: 22, text: 'fault: ' + fault.what + '\n' + seconds(fault.from) +
        ' to ' + seconds(fault.until), at: fault.from});
    ++label;
  }
}

function drawDowns(context) {
  context.fillStyle = colours.outlier;
  for (const down of run.downs) {
    if (down.until < timeline.from || down.from > timeline.until) continue;
    const left = timeX(down.from), right = Math.max(timeX(down.until), left + 3), y = laneY(down.server);
    context.globalAlpha = 0.5;
    context.fillRect(left, y - kLaneHeight / 2 + 3, right - left, kLaneHeight - 6);
    context.globalAlpha = 1;
    timeline.hits.push({x: left, y, x2: right, y2: y, text: 'down: ' + down.why + '\n' + seconds(down.from) + ' to ' +
        seconds(down.until), at: down.from});
  }
}

// How many things of a lane fall on each point of the width, as bars below or above it.
function drawBars(context, items, timeOf, hostOf, colourOf, direction) {
  const width = Math.ceil(timeline.width);
  const counts = new Map();
  for (const item of items) {
    const host = hostOf(item);
    if (host < 0) continue;
    const colour = colourOf(item);
    const key = host + colour;
    let lane = counts.get(key);
    if (!lane) counts.set(key, lane = {host, colour, bins: new Uint32Array(width + 1)});
    const x = Math.floor(timeX(timeOf(item)));
    if (x >= kLabelWidth && x <= width) ++lane.bins[x];
  }
  const most = kLaneHeight / 2 - 2;
  for (const lane of counts.values()) {
    context.fillStyle = lane.colour;
    const y = laneY(lane.host);
    for (let x = kLabelWidth; x <= width; ++x) {
      if (!lane.bins[x]) continue;
      const height = Math.min(most, 2 + Math.log2(lane.bins[x]) * 2.5);
      context.fillRect(x, direction < 0 ? y - height : y, 1, height);
    }
  }
}

function visibleMessages() {
  const first = lowerBound(run.messages, timeline.from - longestFlight, (one) => one.sent);
  const visible = [];
  for (let i = first; i < run.messages.length; ++i) {
    const message = run.messages[i];
    if (message.sent > timeline.until) break;
    if (message.request >= 0 && !message.events.length && !chosen.answers && message.what === '200') continue;
    visible.push(message);
  }
  return visible;
}
function messageColour(message) {
  if (message.arrived < 0) return colours.lost;
  return message.events.length ? colours.carries : colours.message;
}

function drawMessages(context) {
  const visible = visibleMessages();
  if (visible.length > kMessagesDrawnMax) {
    context.globalAlpha = 0.8;
    drawBars(context, visible, (one) => one.sent, (one) => one.from, messageColour, -1);
    context.globalAlpha = 1;
    return;
  }
  for (const message of visible) {
    if (message.to < 0 || message.from < 0) continue;
    const isLost = message.arrived < 0;
    const x1 = timeX(message.sent), y1 = laneY(message.from);
    let x2 = isLost ? x1 + 12 : timeX(message.arrived);
    let y2 = laneY(message.to);
    if (isLost) y2 = y1 + (y2 - y1) * 0.45;
    context.strokeStyle = context.fillStyle = messageColour(message);
    context.lineWidth = message.events.length ? 1.5 : 1;
    context.setLineDash(isLost ? [4, 3] : []);
    context.beginPath();
    context.moveTo(x1, y1);
    context.lineTo(x2, y2);
    context.stroke();
    context.setLineDash([]);
    drawHead(context, x1, y1, x2, y2, isLost);
    timeline.hits.push({x: x1, y: y1, x2, y2, text: messageText(message), at: message.sent,
      event: message.events.length ? message.events[0] : -1});
  }
  context.lineWidth = 1;
}
function drawHead(context, x1, y1, x2, y2, isLost) {
  if (isLost) {
    context.font = 'bold 11px system-ui, sans-serif';
    context.textBaseline = 'middle';
    context.fillText('×', x2 - 3, y2);
    context.font = '11px system-ui, sans-serif';
    return;
  }
  const angle = Math.atan2(y2 - y1, x2 - x1);
  context.beginPath();
  context.moveTo(x2, y2);
  context.lineTo(x2 - 6 * Math.cos(angle - 0.35), y2 - 6 * Math.sin(angle - 0.35));
  context.lineTo(x2 - 6 * Math.cos(angle + 0.35), y2 - 6 * Math.sin(angle + 0.35));
  context.fill();
}

function drawStorings(context) {
  const first = lowerBound(run.storings, timeline.from, (one) => one.at);
  const end = lowerBound(run.storings, timeline.until + 1, (one) => one.at);
  const visible = run.storings.slice(first, end);
  if (visible.length > kDotsDrawnMax) {
    drawBars(context, visible, (one) => one.at, (one) => one.server, (one) => verdictColour(one.verdict), 1);
    return;
  }
  for (const one of visible) {
    const x = timeX(one.at), y = laneY(one.server);
    const isChosen = one.event === chosen.event;
    context.fillStyle = verdictColour(one.verdict);
    context.beginPath();
    context.arc(x, y, isChosen ? 6 : one.verdict === 'outlier' ? 2 : 3.5, 0, 7);
    context.fill();
    if (isChosen) {
      context.strokeStyle = colours.text;
      context.lineWidth = 1.5;
      context.stroke();
      context.lineWidth = 1;
    }
    timeline.hits.push({x, y, text: hostName(one.server) + ' ' + one.verdict + ': ' + eventText(one.event) +
        (one.rule ? '\n' + one.rule + ': ' + one.detail : '') + '\n' + seconds(one.at), at: one.at, event: one.event});
  }
}

function drawClients(context) {
  const first = lowerBound(run.clients, timeline.from, (one) => one.at);
  const end = lowerBound(run.clients, timeline.until + 1, (one) => one.at);
  if (end - first > kDotsDrawnMax) return;
  for (let i = first; i < end; ++i) {
    const one = run.clients[i];
    const x = timeX(one.at), y = laneY(one.server) - kLaneHeight / 2 + 2;
    context.fillStyle = one.status >= 400 || one.answered < 0 ? colours.rejected : colours.quiet;
    context.beginPath();
    context.moveTo(x - 4, y);
    context.lineTo(x + 4, y);
    context.lineTo(x, y + 6);
    context.fill();
    timeline.hits.push({x, y: y + 2, text: one.user + ': ' + one.what + '\n' +
        (one.answered < 0 ? 'never answered' : one.status + ' ' + one.error) + '\n' + seconds(one.at), at: one.at,
      event: one.event});
  }
}

function drawActs(context) {
  for (const note of run.notes) {
    if (note.kind === 'operation' || note.at < timeline.from || note.at > timeline.until) continue;
    const isByzantine = note.kind === 'byzantine';
    const x = timeX(note.at);
    const lanes = note.servers.length ? note.servers : [];
    context.fillStyle = isByzantine ? colours.byzantine : colours.soft;
    for (const host of isByzantine ? lanes : []) {
      const y = laneY(host);
      context.beginPath();
      context.moveTo(x, y - 6);
      context.lineTo(x + 6, y);
      context.lineTo(x, y + 6);
      context.lineTo(x - 6, y);
      context.fill();
      timeline.hits.push({x, y, text: note.kind + ': ' + note.detail + '\n' + seconds(note.at), at: note.at});
    }
  }
}

function drawFindings(context) {
  for (const finding of run.findings) {
    if (finding.at < timeline.from || finding.at > timeline.until) continue;
    const x = Math.round(timeX(finding.at)) + 0.5;
    context.strokeStyle = context.fillStyle = colours.bad;
    context.beginPath();
    context.moveTo(x, 0);
    context.lineTo(x, timeline.height);
    context.stroke();
    context.fillRect(x - 9, 1, 9, 9);
    timeline.hits.push({x, y: 6, text: 'finding: ' + finding.checker + '\n' + finding.what, at: finding.at});
  }
}

function drawCursor(context) {
  const x = Math.round(timeX(chosen.time)) + 0.5;
  context.strokeStyle = colours.cursor;
  context.lineWidth = 2;
  context.beginPath();
  context.moveTo(x, 12);
  context.lineTo(x, timeline.height);
  context.stroke();
  context.lineWidth = 1;
}

// --- Pointer -------------------------------------------------------------------------------------

function distanceTo(hit, x, y) {
  if (hit.x2 === undefined) return Math.hypot(hit.x - x, hit.y - y) - 4;
  const dx = hit.x2 - hit.x, dy = hit.y2 - hit.y;
  const length = dx * dx + dy * dy;
  const part = length ? Math.max(0, Math.min(1, ((x - hit.x) * dx + (y - hit.y) * dy) / length)) : 0;
  return Math.hypot(hit.x + part * dx - x, hit.y + part * dy - y);
}
function findHit(x, y) {
  let best = null, nearest = 7;
  for (const hit of timeline.hits) {
    const distance = distanceTo(hit, x, y);
    if (distance < nearest) {
      nearest = distance;
      best = hit;
    }
  }
  return best;
}

function showSpan(from, until) {
  const least = 100;  // Microseconds.
  const span = Math.min(Math.max(until - from, least), Math.max(run.end, least) * 1.02);
  const middle = (from + until) / 2;
  timeline.from = Math.max(-span * 0.02, Math.min(middle - span / 2, Math.max(run.end, least) * 1.01 - span));
  timeline.until = timeline.from + span;
  redraw('timeline');
}
function zoom(factor, around) {
  const span = (timeline.until - timeline.from) * factor;
  const part = (around - timeline.from) / (timeline.until - timeline.from);
  showSpan(around - span * part, around + span * (1 - part));
}
function showAll() { showSpan(0, run.end * 1.01); }
