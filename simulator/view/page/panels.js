// Text beside the drawings: the chosen event, a state or two compared, what happened around a time.

const kRowsShownMax = 400;

function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key === 'onclick') made.addEventListener('click', value); else made.setAttribute(key, value);
  }
  for (const child of children) made.append(child);
  return made;
}
function tableRow(cells, className, cell = 'td') {
  const row = element('tr', className ? {class: className} : {});
  for (const one of cells) row.append(element(cell, cell === 'th' ? {scope: 'col'} : {}, one));
  return row;
}
function table(heads, body, caption) {
  const made = element('table', {});
  if (caption) made.append(element('caption', {}, caption));
  made.append(element('thead', {}, tableRow(heads, '', 'th')), element('tbody', {}, ...body));
  return made;
}
function eventButton(number) {
  if (number < 0) return 'nothing';
  return element('button', {class: 'event', type: 'button', title: eventText(number),
    onclick: () => chooseEvent(number)}, run.events[number].name);
}

// --- The chosen event ----------------------------------------------------------------------------

function showEvent() {
  const box = document.getElementById('event');
  box.replaceChildren();
  if (chosen.event < 0) {
    box.append(element('p', {class: 'quiet'}, 'Choose one in the graph or on the timeline.'));
    return;
  }
  const event = run.events[chosen.event];
  box.append(element('p', {}, element('b', {}, event.name + '  ' + keyText(event)), ' by ' + event.sender + ', depth ' +
      event.depth));
  box.append(element('p', {class: 'quiet'}, element('code', {}, event.id)));
  const links = element('p', {}, 'after ');
  event.prev.forEach((one) => links.append(eventButton(one), ' '));
  links.append('; authorized by ');
  event.auth.forEach((one) => links.append(eventButton(one), ' '));
  box.append(links);
  for (const parting of run.partings) {
    if (parting.event !== event.i || parting.room !== chosen.room) continue;
    const isOfPair = parting.a === chosenServers.a && parting.b === chosenServers.b;
    if (isOfPair) box.append(element('p', {class: 'note'}, partingText(parting)));
  }
  box.append(table(['Server', 'Time', 'Verdict', 'Came by', 'Rule'], serverRows(event)));
  for (const storing of run.storings) {
    if (storing.event !== event.i || !storing.inputs.length || !isShownServer(storing.server)) continue;
    box.append(inputsOf(storing));
  }
  for (const meeting of meetingsOf.get(event.i) || []) box.append(showMeeting(meeting));
  box.append(element('details', {}, element('summary', {}, 'Its JSON'),
      element('pre', {}, JSON.stringify(JSON.parse(event.text), null, 1))));
}
function isShownServer(server) { return server === chosenServers.a || server === chosenServers.b; }

function serverRows(event) {
  const rowsOf = [];
  const servers = run.hosts.map((_, host) => host).filter((host) => run.names[host][0] !== 'b');
  servers.sort((x, y) => isShownServer(y) - isShownServer(x) || x - y);
  for (const server of servers.slice(0, kRowsShownMax)) {
    const list = storingsOf.get(server + ' ' + event.i) || [];
    if (!list.length) {
      const carriers = run.messages.filter((one) => one.to === server && one.events.includes(event.i));
      const arrived = carriers.filter((one) => one.arrived >= 0).length;
      rowsOf.push(tableRow([hostName(server), '', 'never stored', carriers.length ?
          'of ' + carriers.length + ' messages with it ' + arrived + ' arrived' : 'no message with it was sent', logsOf(server, event)], 'rejected'));
    }
    for (const one of list) {
      const carrier = one.carrier < 0 ? null : run.messages[one.carrier];
      const verdict = element('span', {class: 'verdict'}, one.verdict);
      rowsOf.push(tableRow([hostName(server), seconds(one.at), verdict,
        carrier ? (carrier.request >= 0 ? 'answer to ' : '') + requestOf(carrier).what + ' from ' + hostName(carrier.from) : 'made here',
        one.rule ? one.rule + ': ' + one.detail : ''], one.verdict));
    }
  }
  for (const one of run.kept) {
    if (one.event !== event.i) continue;
    rowsOf.push(tableRow([hostName(one.server), seconds(run.end), element('span', {class: 'verdict'}, 'changed'), 'in its database:', one.what], 'rejected'));
  }
  return rowsOf;
}
function logsOf(server, event) {
  return run.logs.filter((one) => one.server === server && one.text.includes('event=' + event.name + ' ')).slice(0, 3)
      .map((one) => one.name + ' ' + one.text).join('; ');
}
function inputsOf(storing) {
  const list = storing.inputs.map(([role, event]) => {
    const content = event < 0 ? '' : JSON.stringify(JSON.parse(run.events[event].text).content);
    return tableRow([role, event < 0 ? 'none' : eventButton(event), element('code', {}, content.slice(0, 300))]);
  });
  return element('details', {open: ''}, element('summary', {}, 'What ' + hostName(storing.server) + ' judged it by, ' +
      (storing.verdict === 'soft-failed' ? 'of its current state then' : 'of the state before it')), table(['Role', 'Event', 'Content'], list));
}
function showMeeting(meeting) {
  const box = element('details', {open: ''}, element('summary', {}, 'Resolution at ' + meeting.servers.map(hostName).join(' ') + ': ' +
      meeting.algorithm + ', ' + meeting.states + ' states, ' + meeting.conflicts.length + ' keys in conflict'));
  if (meeting.deviation) {
    box.append(element('p', {class: 'note'}, 'The server took another state than the specification\'s: ' + meeting.deviation));
  }
  box.append(table(['Key', 'The states have', 'Resolved'], meeting.conflicts.map(([key, values, resolved]) => {
    const cell = element('span', {});
    values.forEach((one) => cell.append(eventButton(one), ' '));
    return tableRow([run.keys[key].type + ' "' + run.keys[key].key + '"', cell, eventButton(resolved)]);
  })));
  box.append(table(['Step', 'Event', 'Verdict', 'Ordered by'], meeting.steps.map(([event, isAllowed, rule, detail, sort, because], i) =>
    tableRow([String(i + 1), event < 0 ? '?' : element('span', {}, eventButton(event), ' ' + keyText(run.events[event])),
      element('span', {class: 'verdict'}, (isAllowed ? 'allowed ' : 'refused ') + rule) , (detail ? detail + '; ' : '') + sort + ' ' + because],
    isAllowed ? 'accepted' : 'rejected'))));
  return box;
}

// --- States --------------------------------------------------------------------------------------

// The number of the state that a server has at the chosen time, or around the chosen event.
function stateNumber(server) {
  if (server < 0) return -1;
  const when = document.getElementById('state-when').value;
  if (when === 'now') {
    const room = roomAt(server, chosen.room, chosen.time);
    return room ? room.state : -1;
  }
  const stored = chosen.event < 0 ? null : lastStored(server, chosen.event);
  return stored ? stored[when] : -1;
}

function showState() {
  const box = document.getElementById('state');
  const {a, b} = chosenServers;
  const numberA = stateNumber(a), numberB = stateNumber(b);
  const stateA = stateOf(numberA) || new Map(), stateB = b < 0 ? new Map() : stateOf(numberB) || new Map();
  const filter = document.getElementById('state-filter').value.toLowerCase();
  const keys = [...new Set([...stateA.keys(), ...stateB.keys()])];
  const nameOf = (key) => run.keys[key].type + ' "' + run.keys[key].key + '"';
  const differs = (key) => b >= 0 && stateA.get(key) !== stateB.get(key);
  const isFiltered = (key) => (!filter || nameOf(key).toLowerCase().includes(filter)) && (!chosen.onlyDifferences || differs(key));
  const shown = keys.filter(isFiltered).sort((x, y) => differs(y) - differs(x) || (nameOf(x) < nameOf(y) ? -1 : 1));
  const count = keys.filter(differs).length;
  const body = shown.slice(0, kRowsShownMax).map((key) => {
    const cell = (state) => state.has(key) ? eventButton(state.get(key)) : 'nothing';
    const cells = [nameOf(key), cell(stateA)];
    if (b >= 0) cells.push(cell(stateB), differs(key) ? '≠' : '');
    return tableRow(cells, differs(key) ? 'differs' : '');
  });
  const heads = b < 0 ? ['Key', hostName(a)] : ['Key', hostName(a), hostName(b), ''];
  const summary = numberA < 0 && numberB < 0 ? 'Neither has a state there.' :
      b < 0 ? keys.length + ' entries' : count ? count + ' of ' + keys.length + ' keys differ' : 'The two states are equal: ' + keys.length + ' entries';
  box.replaceChildren(element('p', {class: count ? 'note' : 'quiet'}, summary), table(heads, body));
}

// --- Around a time -------------------------------------------------------------------------------

// All that is drawn, as text: what a timeline says to those who do not see it.
const records = [];
run.messages.forEach((one) => {
  if (one.arrived >= 0) {
    if (one.request < 0 || one.events.length || one.what !== '200') {
      records.push({at: one.arrived, who: one.to, what: one.request >= 0 ? 'answer' : 'request', of: one});
    }
  } else records.push({at: one.sent, who: one.from, what: 'lost', of: one});
});
run.storings.forEach((one) => records.push({at: one.at, who: one.server, what: one.verdict, of: one}));
run.clients.forEach((one) => records.push({at: one.at, who: one.server, what: 'client', of: one}));
run.notes.forEach((one) => { if (one.kind !== 'operation') records.push({at: one.at, who: -1, what: one.kind, of: one}); });
run.logs.forEach((one) => records.push({at: one.at, who: one.server, what: 'log', of: one}));
run.findings.forEach((one) => records.push({at: one.at, who: -1, what: 'finding', of: one}));
records.sort((x, y) => x.at - y.at);

function recordText(record) {
  const one = record.of;
  switch (record.what) {
    case 'request': case 'answer': case 'lost': return messageText(one).split('\nsent ')[0].replace(/\n/g, ' ');
    case 'client': return one.user + ': ' + one.what + ' → ' + (one.answered < 0 ? 'no answer' : one.status + ' ' + one.error);
    case 'log': return one.name + ' ' + one.text;
    case 'finding': return one.checker + ': ' + one.what;
  }
  if (one.event !== undefined) return eventText(one.event) + (one.rule ? '; ' + one.rule + ': ' + one.detail : '');
  return one.detail;
}
function showAround() {
  const kBefore = 14, kAfter = 16;
  const middle = lowerBound(records, chosen.time + 0.5, (one) => one.at);
  const body = [];
  for (let i = Math.max(0, middle - kBefore); i < Math.min(records.length, middle + kAfter); ++i) {
    const one = records[i];
    const event = one.of.event !== undefined && one.of.event >= 0 ? one.of.event : one.of.events && one.of.events.length ? one.of.events[0] : -1;
    body.push(tableRow([element('button', {class: 'event', type: 'button', onclick: () => {
      chooseTime(one.at);
      if (event >= 0) chooseEvent(event);
    }}, seconds(one.at)), hostName(one.who), one.what, recordText(one)], i === middle - 1 ? 'now' : ''));
  }
  document.getElementById('around').replaceChildren(table(['Time', 'Host', 'What', ''], body));
}

// "s1 parts from s0, s2" where one server is in all pairs, else the first pair.
function partingText(parting, others = []) {
  const pairs = [parting, ...others];
  const common = [parting.a, parting.b].find((one) => pairs.every((pair) => pair.a === one || pair.b === one));
  const partner = (pair) => pair.a === common ? pair.b : pair.a;
  const who = pairs.length > 1 && common !== undefined ? hostName(common) + ' parts from ' + pairs.map(partner).sort((x, y) => x - y).map(hostName).join(', ') :
      hostName(parting.a) + ' and ' + hostName(parting.b) + (pairs.length > 1 ? ', and ' + others.length + ' other pairs,' : '') + ' part';
  const event = run.events[parting.event];
  return who + ' in ' + run.rooms[parting.room].name + ' at ' + event.name + ' ' + keyText(event) + ': ' +
      ['one rejects what the other does not', 'different states before it', 'one never got it, or dropped it'][parting.kind];
}
