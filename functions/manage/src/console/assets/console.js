// Drags the rows of a list into another order, and sends it. Everything else works without a script: the buttons beside
// each row do the same.
(() => {
  'use strict';
  let dragged = null;

  const rows = (list) => [...list.querySelectorAll('[data-id]')];

  document.addEventListener('dragstart', (event) => {
    dragged = event.target.closest?.('[draggable=true][data-id]') ?? null;
    if (!dragged) return;
    event.dataTransfer.effectAllowed = 'move';
    event.dataTransfer.setData('text/plain', dragged.dataset.id);
    dragged.classList.add('dragged');
  });

  document.addEventListener('dragover', (event) => {
    const list = dragged?.closest('[data-order]');
    const over = event.target.closest?.('[data-id]');
    if (!list || !over || !list.contains(over)) return;
    event.preventDefault();
    const box = over.getBoundingClientRect();
    const after = event.clientY > box.top + box.height / 2;
    if (over !== dragged) over[after ? 'after' : 'before'](dragged);
  });

  document.addEventListener('drop', (event) => {
    if (dragged) event.preventDefault();
  });

  document.addEventListener('dragend', () => {
    if (!dragged) return;
    dragged.classList.remove('dragged');
    const list = dragged.closest('[data-order]');
    dragged = null;
    const form = document.getElementById(list.dataset.order);
    const order = rows(list).map((row) => row.dataset.id).join(',');
    if (order === form.elements.before.value) return;
    form.elements.order.value = order;
    form.requestSubmit();
  });
})();
