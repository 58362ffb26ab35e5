"""All kinds of damage, in the order in which they are run: importing this module enters them into `cases.KINDS`."""

import controls  # noqa: F401
import mutations_bytes  # noqa: F401
import mutations_columns  # noqa: F401
import mutations_desk  # noqa: F401
import mutations_files  # noqa: F401
import mutations_parquet  # noqa: F401
import mutations_rows  # noqa: F401
import mutations_xml  # noqa: F401
