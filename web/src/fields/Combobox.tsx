import { useCombobox } from 'downshift';
import type { ChangeEvent, KeyboardEvent, ReactNode, Ref } from 'react';

/** A box that suggests what it can take, by the pattern of the ARIA Authoring Practices: the focus stays in it, arrows move in the list. */
export function Combobox<T>({ label, listLabel, items, keyOf, show, typed, setTyped, choose, status, box }: {
  label: string;
  listLabel: string;
  items: T[];
  keyOf: (item: T) => string;
  show: (item: T) => ReactNode;
  typed: string;
  setTyped: (typed: string) => void;
  choose: (item: T) => void;
  /** What there is to say of the suggestions while they are open. */
  status: (open: boolean) => string;
  box: Ref<HTMLInputElement>;
}) {
  const { isOpen, highlightedIndex, getLabelProps, getInputProps, getMenuProps, getItemProps } = useCombobox<T>({
    items,
    inputValue: typed,
    selectedItem: null, // what is chosen is shown elsewhere
    itemToString: () => '',
    itemToKey: (item) => item && keyOf(item),
    stateReducer: (_, { type, changes }) => {
      // Leaving the box chooses nothing.
      if (type === useCombobox.stateChangeTypes.InputBlur) return { ...changes, selectedItem: null };
      return changes;
    },
    onSelectedItemChange: ({ selectedItem }) => {
      if (selectedItem) choose(selectedItem);
    },
  });
  const open = isOpen && items.length > 0;
  return (
    <div className="combobox">
      <label className="hint" {...getLabelProps()}>{label}</label>
      <input
        type="text"
        {...getInputProps({
          ref: box,
          'aria-expanded': open,
          // At once, for the cursor would jump.
          onChange: (event: ChangeEvent<HTMLInputElement>) => setTyped(event.currentTarget.value),
          // Without a choice too: the form is not sent from here.
          onKeyDown: (event: KeyboardEvent) => event.key === 'Enter' && event.preventDefault(),
        })}
      />
      <ul hidden={!open} {...getMenuProps({ 'aria-label': listLabel }, { suppressRefError: true })}>
        {open && items.map((item, index) => (
          <li key={keyOf(item)} {...getItemProps({ item, index, 'aria-selected': index === highlightedIndex })}>{show(item)}</li>
        ))}
      </ul>
      <p className="hint" role="status">{status(isOpen)}</p>
    </div>
  );
}
