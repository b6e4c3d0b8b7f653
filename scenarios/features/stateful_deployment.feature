Feature: Stateful Deployment
  Stakeholders: service providers
  Environment: feature or testnet with GlusterFS
  Development: implemented

  Background:
    Given the following nodes
      | nodes   | role | onboarded | org   | storage                     |
      | Alice   | SP   | false     | nunet | -                           |
      | Mallory | SP   | false     | nunet | -                           |
      | Bob     | CP   | true      | nunet | {directories: [/srv/notes]} |
      | Charlie | CP   | true      | nunet | -                           |
      | Vault   | VS   | false     | nunet | -                           |
    And the scenario:
      """
      images:
        example/notes: {size: 20 MB, start: 2s, service: {}, writes: {size: 1 MB, every: 10s}}
        example/report: {size: 20 MB, start: 2s, task: {run: 210s}, writes: {size: 2 MB, every: 60s}}
        example/counting: {size: 20 MB, start: 2s, task: {run: 10m}, checkpoint: {size: 5 MB, every: 1m}}
      """

  # The end of a task that takes longer than the right to report is not heard of in the real DMS.
  @W12
  Scenario: Persist deployment data to a local volume (disk)
    Given "Alice" has deployed "report.yaml" on "Bob"
    And "Alice" deployment is running
    When 4 minutes pass
    Then "Alice" deployment is completed
    And the volume "reports" on "Bob" should hold 6 MB of "report"
    And there should be no volume "reports" on "Charlie"

  Scenario: A service persists data to a local volume while it runs, and it stays when the service is gone
    Given "Alice" has deployed "notes.yaml" on "Bob"
    And "Alice" deployment is running
    When 1 minute passes
    Then the volume "notes" on "Bob" should hold data of "notes"
    When the volume "notes" on "Bob" is looked at
    And 1 minute passes
    Then the volume "notes" on "Bob" should hold more than it held
    When the deployment of "Alice" is ended for good
    And the volume "notes" on "Bob" is looked at
    And 5 minutes pass
    Then the volume "notes" on "Bob" should hold what it held
    And there should be no volume "notes" on "Charlie"

  Scenario: Launch a new deployment restoring from a local volume
    Given "Alice" has deployed "notes.yaml" on "Bob"
    And "Alice" deployment is running
    And allocation "notes" of "Alice" should have begun without data
    When 2 minutes pass
    And the deployment of "Alice" is ended for good
    And the volume "notes" on "Bob" is looked at
    And "Alice" deploys "notes.yaml" on "Bob"
    Then "Alice" deployment is running
    And allocation "notes" of "Alice" should have begun with the data of the volume "notes" on "Bob"
    When 1 minute passes
    Then the volume "notes" on "Bob" should hold more than it held

  Scenario: A new deployment on another peer begins without the data of a local volume
    Given "Alice" has deployed "notes.yaml" on "Bob"
    And "Alice" deployment is running
    When 2 minutes pass
    And the deployment of "Alice" is ended for good
    And the volume "notes" on "Bob" is looked at
    And "Alice" deploys "notes.yaml" on "Charlie"
    Then "Alice" deployment is running
    And allocation "notes" of "Alice" should have begun without data
    And the volume "notes" on "Bob" should hold what it held

  Scenario: Data of a local volume is gone with the disk
    Given the scenario:
      """
      faults:
        - crash: {at: 3m, peer: bob, repair: 1m, state: lost}
      """
    And "Alice" has deployed "notes.yaml" on "Bob"
    And "Alice" deployment is running
    When 1 minute passes
    And the deployment of "Alice" is ended for good
    Then the volume "notes" on "Bob" should hold data of "notes"
    When 4 minutes pass
    Then there should be no volume "notes" on "Bob"
    When "Alice" deploys "notes.yaml" on "Bob"
    Then "Alice" deployment is running
    And allocation "notes" of "Alice" should have begun without data

  # The end of a task that takes longer than the right to report is not heard of in the real DMS.
  @W12
  Scenario: A task goes on from what it has saved on a local volume when its machine is back
    Given the scenario:
      """
      faults:
        - crash: {at: 5m, peer: bob, repair: 2m}
      """
    And "Alice" has deployed "counting.yaml" on "Bob"
    And "Alice" deployment is running
    When 5 minutes pass
    And the volume "counting" on "Bob" is looked at
    And 3 minutes pass
    Then allocation "counting" of "Alice" should have gone on from its checkpoint on the volume "counting" on "Bob"
    When 7 minutes pass
    Then "Alice" deployment is completed

  # The real DMS forgets the node that failed in its next attempt, and then has nothing left that could fail.
  @W6b
  Scenario: Attempt to restore data from an invalid or missing storage path
    When "Alice" deploys "notes_at_path.yaml" on "Charlie"
    Then "Alice" deployment should fail to mount "/srv/notes"
    And there should be no volume "/srv/notes" on "Charlie"
    When "Alice" deploys "notes_at_path.yaml" on "Bob"
    Then "Alice" deployment is running
    When 1 minute passes
    Then the volume "/srv/notes" on "Bob" should hold data of "notes"

  # The real DMS forgets the node that failed in its next attempt, and then has nothing left that could fail.
  @W6b
  Scenario: Attempt to restore data from a GlusterFS volume that is not there
    When "Alice" deploys "shared_notes.yaml" on "Bob"
    Then "Alice" deployment should fail to mount "notes"

  # The real DMS forgets the node that failed in its next attempt, and then has nothing left that could fail.
  @W6b
  Scenario: Attempt to restore data from a GlusterFS volume whose server is away
    Given "Vault" lets "Alice" manage its volumes
    And "Alice" creates the volume "notes" at "Vault"
    And "Vault" machine goes down for good
    When "Alice" deploys "shared_notes.yaml" on "Bob"
    Then "Alice" deployment should fail to mount "notes"

  # The real DMS forgets the node that failed in its next attempt, and then has nothing left that could fail.
  @W6b
  Scenario: Attempt to restore data from a GlusterFS volume with a certificate for which it was not made
    Given the ensemble "strange_notes.yaml":
      """
      version: "V1"
      allocations:
        notes:
          type: service
          executor: docker
          resources: {cpu: {cores: 1}, ram: {size: 1}, disk: {size: 1}}
          execution: {type: docker, image: example/notes}
          volume:
            - type: glusterfs
              name: notes
              servers: [vault]
              mount_destination: /var/lib/notes
              client_pem: "-----BEGIN CERTIFICATE-----c3RyYW5nZXI=-----END CERTIFICATE-----"
              client_private_key: the key of a stranger
      nodes:
        node1:
          allocations: [notes]
      """
    And "Vault" lets "Alice" manage its volumes
    And "Alice" creates the volume "notes" at "Vault"
    When "Alice" deploys "strange_notes.yaml" on "Bob"
    Then "Alice" deployment should fail to mount "notes"
    And the volume "notes" on "Vault" should be empty

  Scenario: Create a GlusterFS volume
    Given "Vault" lets "Alice" manage its volumes
    When "Mallory" tries to create the volume "notes" at "Vault"
    Then the call should stay unanswered
    And there should be no volume "notes" on "Vault"
    When "Alice" creates the volume "notes" at "Vault"
    Then the volume "notes" on "Vault" should be empty
    When "Alice" tries to create the volume "notes" at "Vault"
    Then the call should be refused with "volume notes already exists"

  Scenario: Persist deployment data to a GlusterFS volume
    Given "Vault" lets "Alice" manage its volumes
    And "Alice" creates the volume "notes" at "Vault"
    And "Alice" has deployed "shared_notes.yaml" on "Bob"
    And "Alice" deployment is running
    When 1 minute passes
    Then the volume "notes" on "Vault" should hold data of "notes"
    And there should be no volume "notes" on "Bob"
    When the deployment of "Alice" is ended for good
    And the volume "notes" on "Vault" is looked at
    And 5 minutes pass
    Then the volume "notes" on "Vault" should hold what it held

  Scenario: Launch a new deployment on another peer restoring from a GlusterFS volume
    Given "Vault" lets "Alice" manage its volumes
    And "Alice" creates the volume "notes" at "Vault"
    And "Alice" has deployed "shared_notes.yaml" on "Bob"
    And "Alice" deployment is running
    And allocation "notes" of "Alice" should have begun without data
    When 2 minutes pass
    And the deployment of "Alice" is ended for good
    And the volume "notes" on "Vault" is looked at
    And "Alice" deploys "shared_notes.yaml" on "Charlie"
    Then "Alice" deployment should be running on "Charlie"
    And allocation "notes" of "Alice" should have begun with the data of the volume "notes" on "Vault"
    When 1 minute passes
    Then the volume "notes" on "Vault" should hold more than it held

  # The real DMS forgets the node that failed in its next attempt, and then has nothing left that could fail.
  @W6b
  Scenario: Only its owner deletes a GlusterFS volume
    Given "Vault" lets "Alice" manage its volumes
    And "Vault" lets "Mallory" manage its volumes
    And "Alice" creates the volume "notes" at "Vault"
    And "Alice" has deployed "shared_notes.yaml" on "Bob"
    And "Alice" deployment is running
    And 1 minute passes
    And the deployment of "Alice" is ended for good
    And the volume "notes" on "Vault" is looked at
    When "Mallory" tries to delete the volume "notes" at "Vault"
    Then the call should be refused with "permission denied: only the creator can delete the volume"
    And the volume "notes" on "Vault" should hold what it held
    When "Alice" deletes the volume "notes" at "Vault"
    Then there should be no volume "notes" on "Vault"
    When "Alice" deploys "shared_notes.yaml" on "Charlie"
    Then "Alice" deployment should fail to mount "notes"

  # A server of the real DMS that was restarted has forgotten whose its volumes are.
  @C12
  Scenario: The owner deletes a GlusterFS volume after its server was restarted
    Given "Vault" lets "Alice" manage its volumes
    And "Vault" lets "Mallory" manage its volumes
    And "Alice" creates the volume "notes" at "Vault"
    And "Vault" restarts DMS
    When "Mallory" tries to delete the volume "notes" at "Vault"
    Then the call should be refused with "permission denied: only the creator can delete the volume"
    When "Alice" deletes the volume "notes" at "Vault"
    Then there should be no volume "notes" on "Vault"
