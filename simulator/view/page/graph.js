// The event graph of a room as two servers have it: a row for each event, the older above, a column
// for each host that made some. The left half of a node is server A's, the right half server B's.

const graph = {canvas: document.getElementById('graph'), box: document.getElementById('graph-box'), list: [], rowOf: new Map()};
const kRowHeight = 24;
const kColumnWidth = Math.max(16, Math.min(34, 340 / Math.max(1, run.hosts.length)));

// In which way the two servers differ about an event at the chosen time; empty: in none.
function differenceOf(event) {
  const {a, b} = chosenServers;
  if (b < 0) return '';
  const atA = storedAt(a, event.i, chosen.time), atB = storedAt(b, event.i, chosen.time);
  const isPlacedA = atA && !atA.verdict.startsWith('outlier'), isPlacedB = atB && !atB.verdict.startsWith('outlier');
  if (!isPlacedA && !isPlacedB) return '';
  // What was refused need not be everywhere.
  const only = atA ? atA : atB;
  if ((!atA || !atB) && only.verdict !== 'accepted') return '';
  if (!atA) return 'only ' + hostName(b) + ' has it';
  if (!atB) return 'only ' + hostName(a) + ' has it';
  if (!isPlacedA || !isPlacedB) return '';
  if (atA.verdict !== atB.verdict && atA.verdict !== 'redacted' && atB.verdict !== 'redacted')
    return hostName(a) + ' ' + atA.verdict + ', ' + hostName(b) + ' ' + atB.verdict;
  if (atA.before !== atB.before) return 'different states before it';
  return '';
}

function layOutGraph() {
  let events = eventsOfRoom.get(chosen.room) || [];
  if (chosen.onlyDifferences) events = events.filter((event) => differenceOf(event) || event.i === chosen.event);
  graph.list = events;
  graph.rowOf = new Map(events.map((event, row) => [event.i, row]));
  document.getElementById('graph-height').style.height = events.length * kRowHeight + 40 + 'px';
}

function drawGraph() {
  const canvas = graph.canvas, box = graph.box;
  const width = box.clientWidth, height = box.clientHeight;
  const context = prepareCanvas(canvas, width, height);
  context.font = '12px system-ui, sans-serif';
  context.textBaseline = 'middle';
  const top = box.scrollTop;
  const first = Math.max(0, Math.floor(top / kRowHeight) - 1);
  const last = Math.min(graph.list.length - 1, Math.ceil((top + height) / kRowHeight));
  const {a, b} = chosenServers;
  const roomA = roomAt(a, chosen.room, chosen.time);
  const roomB = b < 0 ? null : roomAt(b, chosen.room, chosen.time);
  const extremitiesA = new Set(roomA ? roomA.extremities : []);
  const extremitiesB = new Set(roomB ? roomB.extremities : []);
  const rowY = (row) => row * kRowHeight - top + kRowHeight / 2 + 4;
  const columnX = (event) => 16 + Math.max(0, event.origin) * kColumnWidth;
  const textX = 16 + run.hosts.length * kColumnWidth + 6;

  drawGraphEdges(context, first, last, rowY, columnX);
  for (let row = first; row <= last; ++row) {
    const event = graph.list[row];
    const x = columnX(event), y = rowY(row);
    const atA = storedAt(a, event.i, chosen.time);
    const atB = b < 0 ? atA : storedAt(b, event.i, chosen.time);
    const difference = differenceOf(event);
    if (difference) {
      context.fillStyle = colours.differs;
      context.fillRect(0, y - kRowHeight / 2, width, kRowHeight);
    }
    if (event.i === chosen.event) {
      context.strokeStyle = colours.accent;
      context.lineWidth = 2;
      context.strokeRect(1, y - kRowHeight / 2 + 1, width - 2, kRowHeight - 2);
      context.lineWidth = 1;
    }
    drawHalf(context, x, y, atA, -1, extremitiesA.has(event.i));
    drawHalf(context, x, y, atB, 1, b < 0 ? extremitiesA.has(event.i) : extremitiesB.has(event.i));
    context.fillStyle = atA || atB ? colours.text : colours.quiet;
    context.globalAlpha = atA || atB ? 1 : 0.55;
    let text = event.name + '  ' + keyText(event).replace('m.room.', '');
    if (difference) text += '  ≠ ' + difference;
    else if (atA && atA.verdict !== 'accepted') text += '  ' + atA.verdict;
    if (meetingsOf.has(event.i)) text += '  · states met';
    context.fillText(text, textX, y);
    context.globalAlpha = 1;
  }
}

function drawGraphEdges(context, first, last, rowY, columnX) {
  context.strokeStyle = colours.outlier;
  for (let row = first; row <= last; ++row) {
    const event = graph.list[row];
    for (const previous of event.prev) {
      const other = graph.rowOf.get(previous);
      if (other === undefined) continue;
      const x1 = columnX(event), y1 = rowY(row), x2 = columnX(run.events[previous]), y2 = rowY(other);
      context.globalAlpha = event.i === chosen.event ? 1 : 0.6;
      context.beginPath();
      context.moveTo(x1, y1 - 7);
      context.bezierCurveTo(x1, (y1 + y2) / 2, x2, (y1 + y2) / 2, x2, y2 + 7);
      context.stroke();
    }
  }
  context.globalAlpha = 1;
}

// The left or the right half of a node; a ring where the event is a forward extremity.
function drawHalf(context, x, y, stored, side, isExtremity) {
  context.beginPath();
  context.arc(x, y, 7, side < 0 ? Math.PI / 2 : -Math.PI / 2, side < 0 ? Math.PI * 1.5 : Math.PI / 2);
  context.closePath();
  context.fillStyle = stored ? verdictColour(stored.verdict) : colours.panel;
  context.fill();
  context.strokeStyle = stored ? colours.panel : colours.outlier;
  context.stroke();
  if (!isExtremity) return;
  context.beginPath();
  context.arc(x, y, 10, side < 0 ? Math.PI / 2 : -Math.PI / 2, side < 0 ? Math.PI * 1.5 : Math.PI / 2);
  context.strokeStyle = colours.accent;
  context.lineWidth = 2;
  context.stroke();
  context.lineWidth = 1;
}

function scrollToEvent(number) {
  const row = graph.rowOf.get(number);
  if (row === undefined) return;
  const y = row * kRowHeight;
  const box = graph.box;
  if (y < box.scrollTop + kRowHeight || y > box.scrollTop + box.clientHeight - 3 * kRowHeight)
    box.scrollTop = Math.max(0, y - box.clientHeight / 3);
}

// The newest row that server A or B has at the chosen time.
function scrollToTime() {
  for (let row = graph.list.length - 1; row >= 0; --row) {
    const event = graph.list[row];
    const isThere = storedAt(chosenServers.a, event.i, chosen.time) ||
        (chosenServers.b >= 0 && storedAt(chosenServers.b, event.i, chosen.time));
    if (isThere) return scrollToEvent(event.i);
  }
}
